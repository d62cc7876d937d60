-- SPDX-License-Identifier: Apache-2.0
-- question:  Which processes does this process descend from?
-- reads:     immediate_parent
-- parameter: process  process  the descendant
-- column:    process_id         BIGINT   the process
-- column:    pid                BIGINT   its number in the initial pid namespace
-- column:    parent_process_id  BIGINT   its creator; NULL: not seen
-- column:    name               VARCHAR  last known command name
-- column:    command_line       VARCHAR  last known arguments
-- column:    uid                BIGINT   last known real user
-- column:    euid               BIGINT   last known effective user
-- column:    start_wall_ns      BIGINT   NULL: not known
-- column:    end_wall_ns        BIGINT   NULL: not seen to end
-- column:    depth              INTEGER  1: its creator, 2: the creator of that one, and so on
-- limits:    ends at the first process whose creation was not seen
-- source:    Forensix Parents (FX-29)
CREATE OR REPLACE MACRO parents(process) AS TABLE
WITH RECURSIVE ascent AS (
  SELECT first_parent.*, 1 AS depth FROM immediate_parent(process) AS first_parent
  UNION ALL
  SELECT next_parent.*, below.depth + 1
  FROM ascent AS below, immediate_parent(below.process_id) AS next_parent
  WHERE below.depth < 4096  -- deeper than any process tree: damaged input cannot loop for ever
)
SELECT * FROM ascent ORDER BY depth;
