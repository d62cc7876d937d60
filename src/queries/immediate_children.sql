-- SPDX-License-Identifier: Apache-2.0
-- question:  Which processes did this process create?
-- reads:     process, host
-- narrows:   tree
-- parameter: process  process  the creator
-- column:    process_id         BIGINT   the process
-- column:    pid                BIGINT   its number in the initial pid namespace
-- column:    parent_process_id  BIGINT   its creator; NULL: not seen
-- column:    name               VARCHAR  last known command name
-- column:    command_line       VARCHAR  last known arguments
-- column:    uid                BIGINT   last known real user
-- column:    euid               BIGINT   last known effective user
-- column:    start_wall_ns      BIGINT   NULL: not known
-- column:    end_wall_ns        BIGINT   NULL: not seen to end
-- column:    host               VARCHAR  name of the host
-- limits:    threads are not processes; a child whose creation was lost has no parent
-- source:    Forensix Immediate_Children (FX-26)
CREATE OR REPLACE MACRO immediate_children(process) AS TABLE
SELECT ic.process_id, ic.pid, ic.parent_process_id, ic.name, ic.command_line, ic.uid, ic.euid,
       ic.start_wall_ns, ic.end_wall_ns, ic_h.name AS host
FROM process AS ic LEFT JOIN host AS ic_h ON ic_h.host_id = ic.host_id
WHERE ic.parent_process_id = process
ORDER BY ic.start_wall_ns NULLS FIRST, ic.process_id;
