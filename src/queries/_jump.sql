-- SPDX-License-Identifier: Apache-2.0
-- question:  Which ancestor of each process is 1, 2, 4, 8 … creations away?
-- reads:     process
-- column:    process_id           BIGINT   the process
-- column:    round                INTEGER  its ancestor is 2^round creations away
-- column:    ancestor_process_id  BIGINT   that ancestor
-- costs:     the whole store
-- limits:    processes that by the record created each other have ancestors without end: rounds end where
--            2^round is the number of processes
-- source:    our own
CREATE OR REPLACE VIEW _jump AS
-- By doubling: twice as deep a tree costs one round more, and not twice as many.
WITH RECURSIVE known AS MATERIALIZED (
  SELECT p.process_id, p.parent_process_id FROM process AS p
), jump AS (
  SELECT k.process_id, 0 AS round, k.parent_process_id AS ancestor_process_id
  FROM known AS k WHERE k.parent_process_id IS NOT NULL
  UNION ALL
  SELECT near.process_id, near.round + 1, far.ancestor_process_id
  FROM jump AS near JOIN jump AS far ON far.process_id = near.ancestor_process_id
  WHERE (CAST(1 AS BIGINT) << near.round) < (SELECT count(*) FROM known)
)
SELECT jump.process_id, jump.round, jump.ancestor_process_id FROM jump;
