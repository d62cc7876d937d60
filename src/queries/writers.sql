-- SPDX-License-Identifier: Apache-2.0
-- question:  Which processes wrote to the file of this name?
-- reads:     active_processes, _did_process_write, _objects_called, event_by_object
-- parameter: path   text  file name; a * stands for any text
-- parameter: start  time  begin of the span; none: the first record  [default]
-- parameter: end    time  end of the span; none: the last record  [default]
-- column:    process_id    BIGINT   the writer
-- column:    pid           BIGINT   its number in the initial pid namespace
-- column:    name          VARCHAR  its last known command name
-- column:    command_line  VARCHAR  its last known arguments
-- column:    uid           BIGINT   its last known real user
-- column:    euid          BIGINT   its last known effective user
-- column:    object_id     BIGINT   the file
-- column:    path          VARCHAR  its name as the writer had it
-- column:    first_wall_ns BIGINT   begin of the first write
-- column:    last_wall_ns  BIGINT   end of the last one
-- column:    size_bytes    BIGINT   written
-- column:    count         BIGINT   calls
-- limits:    as did_process_write
-- source:    Forensix Writers (FX-33), composed as theirs of Did_Process_Write and Active_Processes
CREATE OR REPLACE MACRO writers(path, "start" := NULL, "end" := NULL) AS TABLE
-- Asking each active process would be slow where there are many: the order by object tells which of
-- them can have written at all.
WITH candidate AS MATERIALIZED (
  SELECT wa.* FROM active_processes("start" := "start", "end" := "end") AS wa
  WHERE wa.process_id IN (
    SELECT wc.process_id FROM event_by_object AS wc
    WHERE wc.object_id IN (SELECT wo.object_id FROM _objects_called(path) AS wo)
      AND wc.kind IN ('write', 'send') AND wc.result >= 0)
)
SELECT c.process_id, c.pid, c.name, c.command_line, c.uid, c.euid, ww.object_id,
       any_value(ww.path) AS path, min(ww.begin_wall_ns) AS first_wall_ns,
       max(ww.wall_ns) AS last_wall_ns, _bigint(sum(ww.size_bytes)) AS size_bytes,
       _bigint(sum(ww.count)) AS count
FROM candidate AS c
JOIN _did_process_write((SELECT list(c0.process_id) FROM candidate AS c0), path,
                        "start" := "start", "end" := "end") AS ww ON ww.process_id = c.process_id
GROUP BY c.process_id, c.pid, c.name, c.command_line, c.uid, c.euid, ww.object_id
ORDER BY first_wall_ns, c.process_id;
