-- SPDX-License-Identifier: Apache-2.0
-- question:  Which processes does this process descend from?
-- reads:     _lineage, process, host
-- narrows:   line
-- parameter: process  process  the descendant
-- column:    process_id         BIGINT   the process
-- column:    pid                BIGINT   its number in the initial pid namespace
-- column:    parent_process_id  BIGINT   its creator; NULL: not seen
-- column:    name               VARCHAR  last known command name
-- column:    command_line       VARCHAR  last known arguments
-- column:    uid                BIGINT   last known real user
-- column:    euid               BIGINT   last known effective user
-- column:    start_wall_ns      BIGINT   NULL: not known
-- column:    end_wall_ns        BIGINT   NULL: not seen to end
-- column:    depth              BIGINT   1: its creator, 2: the creator of that one, and so on
-- column:    host               VARCHAR  name of the host
-- limits:    ends at the first process whose creation was not seen
-- source:    Forensix Parents (FX-29)
CREATE OR REPLACE MACRO parents(process) AS TABLE
SELECT pa.process_id, pa.pid, pa.parent_process_id, pa.name, pa.command_line, pa.uid, pa.euid,
       pa.start_wall_ns, pa.end_wall_ns, pa_l.depth, pa_h.name AS host
FROM _lineage([process]) AS pa_l JOIN process AS pa ON pa.process_id = pa_l.line_process_id
LEFT JOIN host AS pa_h ON pa_h.host_id = pa.host_id
WHERE pa_l.depth > 0
ORDER BY pa_l.depth;
