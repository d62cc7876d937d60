-- SPDX-License-Identifier: Apache-2.0
-- question:  Did this process write to the file of this name, through which descriptor, and when?
-- reads:     _did_process_write, host, process
-- narrows:   line
-- parameter: process  process  the process
-- parameter: path     text     file name; a * stands for any text
-- parameter: start    time     begin of the span; none: the first record  [default]
-- parameter: end      time     end of the span; none: the last record  [default]
-- column:    process_id     BIGINT   the process
-- column:    fd             BIGINT   the descriptor written to
-- column:    object_id      BIGINT   the file
-- column:    path           VARCHAR  name by which the descriptor was made, else the last known one
-- column:    begin_wall_ns  BIGINT   begin of the first of the merged calls
-- column:    wall_ns        BIGINT   end of the last of the merged calls
-- column:    size_bytes     BIGINT   written by them
-- column:    count          BIGINT   calls
-- column:    event_id       BIGINT   the event
-- column:    host           VARCHAR  name of the host
-- limits:    no row means "not seen to write": look at coverage for the span before you say "did not"
-- source:    Forensix Did_Process_Write (FX-32), composed as theirs of Fds_Written and All_FDs
CREATE OR REPLACE MACRO did_process_write(process, path, "start" := NULL, "end" := NULL) AS TABLE
SELECT dw_one.*, dw_h.name AS host
FROM _did_process_write([process], path, "start" := "start", "end" := "end") AS dw_one
LEFT JOIN process AS dw_p ON dw_p.process_id = dw_one.process_id
LEFT JOIN host AS dw_h ON dw_h.host_id = dw_p.host_id
ORDER BY dw_one.wall_ns, dw_one.event_id;
