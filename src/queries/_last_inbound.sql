-- SPDX-License-Identifier: Apache-2.0
-- question:  What inbound connection did this process, or the daemon it is a worker of, last hear from before that moment?
-- reads:     _session_walk, process, event, socket
-- parameter: questions  structs  {key, process_id, boot_ns}: whose, and before when
-- column:    key         BIGINT  of the question
-- column:    process_id  BIGINT  that heard
-- column:    object_id   BIGINT  the connection's socket
-- column:    boot_ns     BIGINT  when it last did before that moment
-- limits:    among several connections served at the same time the last one heard from is taken
-- source:    FX-21
CREATE OR REPLACE MACRO _last_inbound(questions) AS TABLE
WITH RECURSIVE question AS (
  SELECT unnest(questions, recursive := true)
), line AS (  -- the process, and what it was forked from as far as that is of the same daemon
  SELECT q.key, q.process_id, q.boot_ns AS cut_boot_ns, 0 AS depth FROM question AS q
  UNION ALL
  SELECT below.key, w.parent_process_id, p.start_boot_ns, below.depth + 1
  FROM line AS below
  JOIN _session_walk AS w ON w.process_id = below.process_id AND w.session_id IS NULL
  JOIN _session_walk AS up ON up.process_id = w.parent_process_id AND up.session_id IS NULL
    AND up.daemon_process_id IS NOT NULL
  JOIN process AS p ON p.process_id = below.process_id
  WHERE below.depth < 16
), accepted AS MATERIALIZED (
  SELECT e.object_id FROM event AS e
  WHERE e.kind = 'accept' AND e.result >= 0 AND e.object_id IS NOT NULL
  UNION
  SELECT s.object_id FROM socket AS s WHERE s.direction = 'inbound'
), heard AS (
  SELECT line.key, line.depth, e.process_id, e.object_id,
         least(e.end_boot_ns, line.cut_boot_ns) AS boot_ns
  FROM event AS e JOIN line ON line.process_id = e.process_id
  WHERE e.kind IN ('accept', 'read', 'recv') AND e.result >= 0 AND e.boot_ns <= line.cut_boot_ns
    AND e.object_id IN (SELECT accepted.object_id FROM accepted)
)
SELECT heard.key, arg_max(heard.process_id, heard.boot_ns) AS process_id,
       arg_max(heard.object_id, heard.boot_ns) AS object_id, max(heard.boot_ns) AS boot_ns
FROM heard GROUP BY heard.key;
