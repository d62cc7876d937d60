-- SPDX-License-Identifier: Apache-2.0
-- question:  Which processes wrote to the file of this name, or emptied it?
-- reads:     process, object_name, _objects_called, event_by_object, host, _moment
-- narrows:   file
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
-- column:    path          VARCHAR  the name that it had last when it was written to first
-- column:    first_wall_ns BIGINT   begin of the first write or truncation
-- column:    last_wall_ns  BIGINT   end of the last one
-- column:    size_bytes    BIGINT   written
-- column:    count         BIGINT   calls: writes, truncate, ftruncate, open with O_TRUNC
-- column:    host          VARCHAR  name of the host
-- limits:    as did_process_write; what was written to a file before or after it was called so, or through another of its names, counts
-- source:    Forensix Writers (FX-33)
CREATE OR REPLACE MACRO writers(path, "start" := NULL, "end" := NULL) AS TABLE
WITH called AS MATERIALIZED (
  SELECT wo.object_id, min(wo.path) AS path FROM _objects_called(path) AS wo GROUP BY wo.object_id
), named AS (  -- of names given at the same moment the one that was asked about
  SELECT wm.object_id, wm.from_boot_ns, coalesce(min(wm.path) FILTER (wm.path = wk.path), min(wm.path)) AS path
  FROM object_name AS wm JOIN called AS wk ON wk.object_id = wm.object_id
  GROUP BY wm.object_id, wm.from_boot_ns
)
SELECT we.process_id, any_value(wp.pid) AS pid, any_value(wp.name) AS name,
       any_value(wp.command_line) AS command_line, any_value(wp.uid) AS uid, any_value(wp.euid) AS euid,
       we.object_id, coalesce(arg_min(wn.path, we.event_id), any_value(c.path)) AS path,
       min(_minus(we.wall_ns, _minus(we.end_boot_ns, we.boot_ns))) AS first_wall_ns, max(we.wall_ns) AS last_wall_ns,
       _bigint(sum(we.size_bytes)) AS size_bytes, _bigint(sum(we.count)) AS count, any_value(we_h.name) AS host
FROM event_by_object AS we
LEFT JOIN host AS we_h ON we_h.host_id = we.host_id
JOIN called AS c ON c.object_id = we.object_id
ASOF LEFT JOIN named AS wn ON wn.object_id = we.object_id AND wn.from_boot_ns <= we.boot_ns
LEFT JOIN process AS wp ON wp.process_id = we.process_id
WHERE we.result >= 0 AND (we.kind IN ('write', 'send', 'truncate') OR (we.kind = 'open' AND we.flags & 512 <> 0))
  AND ("start" IS NULL OR we.wall_ns >= _moment("start"))
  AND ("end" IS NULL OR _minus(we.wall_ns, _minus(we.end_boot_ns, we.boot_ns)) <= _moment("end"))
GROUP BY we.process_id, we.object_id
ORDER BY first_wall_ns, we.process_id;
