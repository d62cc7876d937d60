-- SPDX-License-Identifier: Apache-2.0
-- question:  Which processes descend from this process, however far?
-- reads:     immediate_children
-- parameter: process  process  the ancestor
-- column:    process_id         BIGINT   the process
-- column:    pid                BIGINT   its number in the initial pid namespace
-- column:    parent_process_id  BIGINT   its creator; NULL: not seen
-- column:    name               VARCHAR  last known command name
-- column:    command_line       VARCHAR  last known arguments
-- column:    uid                BIGINT   last known real user
-- column:    euid               BIGINT   last known effective user
-- column:    start_wall_ns      BIGINT   NULL: not known
-- column:    end_wall_ns        BIGINT   NULL: not seen to end
-- column:    depth              INTEGER  1: created by it, 2: by a child of it, and so on
-- limits:    follows creation, not re-parenting: a child that outlives its creator stays below it
-- source:    Forensix Children (FX-27)
CREATE OR REPLACE MACRO children(process) AS TABLE
WITH RECURSIVE descent AS (
  SELECT first_child.*, 1 AS depth FROM immediate_children(process) AS first_child
  UNION ALL
  SELECT next_child.*, above.depth + 1
  FROM descent AS above, immediate_children(above.process_id) AS next_child
  WHERE above.depth < 4096  -- deeper than any process tree: damaged input cannot loop for ever
)
SELECT * FROM descent ORDER BY start_wall_ns NULLS FIRST, process_id;
