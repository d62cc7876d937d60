-- SPDX-License-Identifier: Apache-2.0
-- question:  Which files had this process, or the nearest ancestor that read any, read last before that moment?
-- reads:     _line_before, event, object, _is_ordinary
-- parameter: questions  structs  {key, process_id, boot_ns}: whose, and before when
-- column:    key         BIGINT     of the question
-- column:    process_id  BIGINT     that read
-- column:    paths       VARCHAR[]  their names, what was read last first
-- column:    wall_ns     BIGINT     of the last read
-- limits:    ancestors only within the same session; at most five files; programs, libraries and what all read
--            are left out
-- source:    D9
CREATE OR REPLACE MACRO _last_files(questions) AS TABLE
WITH line AS MATERIALIZED (
  SELECT * FROM _line_before(questions)
), file_read AS (
  SELECT line.key, line.depth, e.process_id, coalesce(e.path, o.path) AS path, max(e.boot_ns) AS boot_ns,
         max(e.wall_ns) AS wall_ns
  FROM event AS e JOIN line ON line.process_id = e.process_id
  JOIN object AS o ON o.object_id = e.object_id
  WHERE e.kind = 'read' AND e.size_bytes > 0 AND e.boot_ns <= line.cut_boot_ns AND o.type IN ('file', 'memfd')
    AND coalesce(e.path, o.path) IS NOT NULL
    AND NOT _is_ordinary(coalesce(e.path, o.path))
  GROUP BY line.key, line.depth, e.process_id, coalesce(e.path, o.path)
), numbered AS (
  SELECT f.*, row_number() OVER (PARTITION BY f.key ORDER BY f.boot_ns DESC, f.path) AS back
  FROM file_read AS f
  WHERE f.depth = (SELECT min(n.depth) FROM file_read AS n WHERE n.key = f.key)
)
SELECT n.key, any_value(n.process_id) AS process_id, list(n.path ORDER BY n.back) AS paths,
       max(n.wall_ns) AS wall_ns
FROM numbered AS n WHERE n.back <= 5 GROUP BY n.key;
