-- SPDX-License-Identifier: Apache-2.0
-- question:  Which processes descend from this process, and how far?
-- reads:     _jump
-- parameter: process  process  the ancestor
-- column:    process_id  BIGINT  the descendant
-- column:    depth       BIGINT  1: created by it, 2: by a child of it, and so on
-- limits:    as children
-- source:    FX-27
CREATE OR REPLACE MACRO _descent(process) AS TABLE
-- Each round adds to what is known those as far below as what is known is deep: see _jump.
WITH RECURSIVE jump AS MATERIALIZED (
  SELECT de_j.process_id, de_j.round, de_j.ancestor_process_id FROM _jump AS de_j
), tree AS (
  SELECT CAST(process AS BIGINT) AS process_id, CAST(0 AS BIGINT) AS depth, 0 AS round
  UNION ALL
  SELECT deeper.process_id, min(deeper.depth), deeper.round + 1
  FROM (
    SELECT tree.process_id, tree.depth, tree.round FROM tree
    UNION ALL
    SELECT j.process_id, tree.depth + (CAST(1 AS BIGINT) << tree.round), tree.round
    FROM tree JOIN jump AS j ON j.ancestor_process_id = tree.process_id AND j.round = tree.round
  ) AS deeper
  WHERE deeper.round <= (SELECT max(last_j.round) FROM jump AS last_j)
  GROUP BY deeper.process_id, deeper.round
)
SELECT tree.process_id, tree.depth FROM tree
WHERE tree.depth > 0 AND tree.round = (SELECT max(last_j.round) + 1 FROM jump AS last_j);
