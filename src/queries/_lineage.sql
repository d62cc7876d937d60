-- SPDX-License-Identifier: Apache-2.0
-- question:  From which processes do these descend, and until when could each pass something on?
-- reads:     process, _jump
-- parameter: processes  integers  the descendants
-- column:    process_id         BIGINT   the descendant
-- column:    line_process_id    BIGINT   itself (depth 0) or an ancestor
-- column:    depth              BIGINT   0: itself, 1: its creator …
-- column:    start_boot_ns      BIGINT   when that one began
-- column:    cut_boot_ns        BIGINT   when the next below it was created: what it did later was not inherited
-- limits:    ends at the first process whose creation was not seen, or that is in the line already
-- source:    FX-29
CREATE OR REPLACE MACRO _lineage(processes) AS TABLE
-- Each round adds to what is known the ancestors as far away as the line is long: see _jump.
WITH RECURSIVE jump AS MATERIALIZED (
  SELECT l_j.process_id, l_j.round, l_j.ancestor_process_id FROM _jump AS l_j
), line AS (
  SELECT DISTINCT l_asked.process_id, l_asked.process_id AS line_process_id, CAST(0 AS BIGINT) AS depth, 0 AS round
  FROM (SELECT unnest(CAST(processes AS BIGINT[])) AS process_id) AS l_asked
  UNION ALL
  SELECT longer.process_id, longer.line_process_id, min(longer.depth), longer.round + 1
  FROM (
    SELECT line.process_id, line.line_process_id, line.depth, line.round FROM line
    UNION ALL
    SELECT line.process_id, j.ancestor_process_id, line.depth + (CAST(1 AS BIGINT) << line.round), line.round
    FROM line JOIN jump AS j ON j.process_id = line.line_process_id AND j.round = line.round
  ) AS longer
  WHERE longer.round <= (SELECT max(last_j.round) FROM jump AS last_j)
  GROUP BY longer.process_id, longer.line_process_id, longer.round
), whole AS (
  SELECT line.process_id, line.line_process_id, line.depth FROM line
  WHERE line.round = coalesce((SELECT max(last_j.round) FROM jump AS last_j) + 1, 0)
)
SELECT whole.process_id, whole.line_process_id, whole.depth, l_k.start_boot_ns,
       coalesce(lag(l_k.start_boot_ns) OVER (PARTITION BY whole.process_id ORDER BY whole.depth),
                9223372036854775807) AS cut_boot_ns
FROM whole JOIN process AS l_k ON l_k.process_id = whole.line_process_id;
