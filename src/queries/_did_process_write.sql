-- SPDX-License-Identifier: Apache-2.0
-- question:  Did these processes write to the file of this name, through which descriptor, and when?
-- reads:     _fds_written, _all_fds
-- parameter: processes  integers  the processes
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
-- limits:    no row means "not seen to write": look at coverage for the span before you say "did not"
-- source:    Forensix Did_Process_Write (FX-32), for several processes at once, composed of Fds_Written and All_FDs
CREATE OR REPLACE MACRO _did_process_write(processes, path, "start" := NULL, "end" := NULL) AS TABLE
SELECT dw.process_id, dw.fd, dw.object_id, any_value(da.path) AS path, dw.begin_wall_ns, dw.wall_ns,
       dw.size_bytes, dw.count, dw.event_id
FROM _fds_written(processes, "start" := "start", "end" := "end") AS dw
JOIN _all_fds(processes, path := path, uses := (
    SELECT coalesce(list(DISTINCT {'process_id': du.process_id, 'fd': du.fd}), [])
    FROM _fds_written(processes, "start" := "start", "end" := "end") AS du)) AS da
  ON da.process_id = dw.process_id AND da.fd = dw.fd AND da.object_id = dw.object_id
 AND da.from_boot_ns <= dw.end_boot_ns
 AND (da.until_boot_ns IS NULL OR da.until_boot_ns >= dw.boot_ns)
GROUP BY ALL
ORDER BY dw.wall_ns, dw.event_id;
