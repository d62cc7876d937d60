-- SPDX-License-Identifier: Apache-2.0
-- question:  What did this process, or the nearest ancestor that read anything from outside, read last before that moment?
-- reads:     _line_before, event, object, io, _visible
-- parameter: questions  structs  {key, process_id, boot_ns}: whose, and before when
-- column:    key         BIGINT   of the question
-- column:    process_id  BIGINT   that read
-- column:    object_id   BIGINT   the terminal, socket or pipe
-- column:    path        VARCHAR  its name
-- column:    wall_ns     BIGINT   when
-- column:    text        VARCHAR  the last bytes read by then as far as captured, those not printable ASCII as \xNN
-- limits:    ancestors only within the same session; at most the last 128 reads
-- source:    D9
CREATE OR REPLACE MACRO _last_input(questions) AS TABLE
WITH line AS MATERIALIZED (
  SELECT * FROM _line_before(questions)
), input AS (
  SELECT line.key, line.depth, line.cut_boot_ns, e.event_id, e.process_id, e.object_id, e.wall_ns, e.boot_ns,
         coalesce(e.path, o.path) AS name
  FROM event AS e JOIN line ON line.process_id = e.process_id
  JOIN object AS o ON o.object_id = e.object_id
  WHERE e.kind IN ('read', 'recv') AND e.size_bytes > 0 AND e.boot_ns <= line.cut_boot_ns
    AND o.type IN ('pty', 'tty', 'socket', 'pipe')
), nearest AS (
  SELECT input.key, arg_max(input.process_id, (-input.depth, input.boot_ns)) AS process_id,
         arg_max(input.object_id, (-input.depth, input.boot_ns)) AS object_id
  FROM input GROUP BY input.key
), numbered AS (
  SELECT input.*, row_number() OVER (PARTITION BY input.key ORDER BY input.boot_ns DESC, input.event_id DESC) AS back
  FROM input JOIN nearest ON nearest.key = input.key AND nearest.process_id = input.process_id
    AND nearest.object_id = input.object_id
)
SELECT n.key, any_value(n.process_id) AS process_id, any_value(n.object_id) AS object_id,
       any_value(n.name) AS path, max(n.wall_ns) AS wall_ns,
       string_agg(_visible(i.data), '' ORDER BY i.boot_ns, n.event_id) AS text
FROM numbered AS n
LEFT JOIN io AS i ON i.event_id = n.event_id AND i.process_id = n.process_id
  AND i.boot_ns <= n.cut_boot_ns
WHERE n.back <= 128 GROUP BY n.key;
