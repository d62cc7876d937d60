-- SPDX-License-Identifier: Apache-2.0
-- question:  From whom within its session does this process descend, and until when did what each read count?
-- reads:     _lineage, _session_walk
-- parameter: questions  structs  {key, process_id, boot_ns}: whose, and before when
-- column:    key         BIGINT   of the question
-- column:    process_id  BIGINT   itself (depth 0) or an ancestor
-- column:    depth       BIGINT   0: itself, 1: its creator …
-- column:    cut_boot_ns BIGINT   what that one did later does not count
-- limits:    ancestors only within the same session
-- source:    D9
CREATE OR REPLACE MACRO _line_before(questions) AS TABLE
WITH question AS (
  SELECT unnest(questions, recursive := true)
), lineage AS MATERIALIZED (
  SELECT l.process_id, l.line_process_id, l.depth, l.cut_boot_ns
  FROM _lineage((SELECT list(DISTINCT q.process_id) FROM question AS q)) AS l
), root AS (  -- the line ends with the root of a session
  SELECT l.process_id, min(l.depth) AS depth
  FROM lineage AS l JOIN _session_walk AS w ON w.process_id = l.line_process_id AND w.session_id = w.process_id
  GROUP BY l.process_id
)
SELECT q.key, l.line_process_id AS process_id, l.depth,
       CASE WHEN l.depth = 0 THEN q.boot_ns ELSE l.cut_boot_ns END AS cut_boot_ns
FROM question AS q JOIN lineage AS l ON l.process_id = q.process_id
LEFT JOIN root ON root.process_id = l.process_id
WHERE root.depth IS NULL OR l.depth <= root.depth;
