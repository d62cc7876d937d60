-- SPDX-License-Identifier: Apache-2.0
-- question:  Which process created this process?
-- reads:     process, host
-- narrows:   line
-- parameter: process  process  the child
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
-- limits:    no row where the creation was not seen
-- source:    Forensix Immediate_Parent (FX-28)
CREATE OR REPLACE MACRO immediate_parent(process) AS TABLE
SELECT ip.process_id, ip.pid, ip.parent_process_id, ip.name, ip.command_line, ip.uid, ip.euid,
       ip.start_wall_ns, ip.end_wall_ns, ip_h.name AS host
FROM process AS ip_child JOIN process AS ip ON ip.process_id = ip_child.parent_process_id
LEFT JOIN host AS ip_h ON ip_h.host_id = ip.host_id
WHERE ip_child.process_id = process;
