-- SPDX-License-Identifier: Apache-2.0
-- question:  From which processes do these descend, and until when could each pass something on?
-- reads:     process
-- parameter: processes  integers  the descendants
-- column:    process_id         BIGINT   the descendant
-- column:    line_process_id    BIGINT   itself (depth 0) or an ancestor
-- column:    depth              INTEGER  0: itself, 1: its creator …
-- column:    start_boot_ns      BIGINT   when that one began
-- column:    cut_boot_ns        BIGINT   when the next below it was created: what it did later was not inherited
-- limits:    ends at the first process whose creation was not seen
-- source:    FX-29
CREATE OR REPLACE MACRO _lineage(processes) AS TABLE
WITH RECURSIVE known AS MATERIALIZED (
  SELECT l.process_id, l.parent_process_id, l.start_boot_ns FROM process AS l
), line AS (
  SELECT k.process_id, k.process_id AS line_process_id, 0 AS depth, k.start_boot_ns,
         9223372036854775807 AS cut_boot_ns, k.parent_process_id
  FROM known AS k WHERE k.process_id IN (SELECT unnest(processes))
  UNION ALL
  SELECT below.process_id, k.process_id, below.depth + 1, k.start_boot_ns, below.start_boot_ns,
         k.parent_process_id
  FROM line AS below JOIN known AS k ON k.process_id = below.parent_process_id
  WHERE below.depth < 4096  -- deeper than any process tree: damaged input cannot loop for ever
)
SELECT line.process_id, line.line_process_id, line.depth, line.start_boot_ns, line.cut_boot_ns FROM line;
