-- SPDX-License-Identifier: Apache-2.0
-- question:  Which processes descend from this process, however far?
-- reads:     _descent, process, host
-- narrows:   tree
-- parameter: process  process  the ancestor
-- column:    process_id         BIGINT   the process
-- column:    pid                BIGINT   its number in the initial pid namespace
-- column:    parent_process_id  BIGINT   its creator; NULL: not seen
-- column:    name               VARCHAR  last known command name
-- column:    command_line       VARCHAR  last known arguments
-- column:    uid                BIGINT   last known real user
-- column:    euid               BIGINT   last known effective user
-- column:    start_wall_ns      BIGINT   NULL: not known
-- column:    end_wall_ns        BIGINT   NULL: not seen to end
-- column:    depth              BIGINT   1: created by it, 2: by a child of it, and so on
-- column:    host               VARCHAR  name of the host
-- limits:    follows creation, not re-parenting: a child that outlives its creator stays below it
-- source:    Forensix Children (FX-27)
CREATE OR REPLACE MACRO children(process) AS TABLE
SELECT ch.process_id, ch.pid, ch.parent_process_id, ch.name, ch.command_line, ch.uid, ch.euid,
       ch.start_wall_ns, ch.end_wall_ns, ch_d.depth, ch_h.name AS host
FROM _descent(process) AS ch_d JOIN process AS ch ON ch.process_id = ch_d.process_id
LEFT JOIN host AS ch_h ON ch_h.host_id = ch.host_id
ORDER BY ch.start_wall_ns NULLS FIRST, ch.process_id;
