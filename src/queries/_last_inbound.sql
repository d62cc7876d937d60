-- SPDX-License-Identifier: Apache-2.0
-- question:  What inbound connection did this process, or the daemon it is a worker of, last hear from before that moment?
-- reads:     _lineage, exec, event, socket
-- parameter: questions  structs  {key, process_id, boot_ns}: whose, and before when
-- column:    key         BIGINT  of the question
-- column:    process_id  BIGINT  that heard
-- column:    object_id   BIGINT  the connection's socket
-- column:    boot_ns     BIGINT  when it last did before that moment
-- limits:    among several connections served at the same time the last one heard from is taken
-- source:    FX-21
CREATE OR REPLACE MACRO _last_inbound(questions) AS TABLE
WITH question AS (
  SELECT unnest(questions, recursive := true)
), lineage AS MATERIALIZED (
  SELECT l.process_id, l.line_process_id, l.depth, l.cut_boot_ns
  FROM _lineage((SELECT list(DISTINCT q.process_id) FROM question AS q)) AS l
), executed AS (  -- a worker was created and executed nothing: the line ends with the first that did
  SELECT l.process_id, min(l.depth) AS depth FROM lineage AS l
  WHERE l.line_process_id IN (SELECT x.process_id FROM exec AS x WHERE x.result = 0)
  GROUP BY l.process_id
), line AS (
  SELECT q.key, l.line_process_id AS process_id, l.depth,
         CASE WHEN l.depth = 0 THEN q.boot_ns ELSE l.cut_boot_ns END AS cut_boot_ns
  FROM question AS q JOIN lineage AS l ON l.process_id = q.process_id
  LEFT JOIN executed ON executed.process_id = l.process_id
  WHERE executed.depth IS NULL OR l.depth <= executed.depth
), accepted AS MATERIALIZED (
  SELECT e.object_id FROM event AS e
  WHERE e.kind = 'accept' AND e.result >= 0 AND e.object_id IS NOT NULL
  UNION
  SELECT s.object_id FROM socket AS s WHERE s.direction = 'inbound'
), said AS (  -- at each moment what had ended last until then: one look into it answers for all keys of a process
  SELECT e.process_id, e.boot_ns, max(e.end_boot_ns) OVER so_far AS end_boot_ns,
         arg_max(e.object_id, e.end_boot_ns) OVER so_far AS object_id
  FROM event AS e
  WHERE e.kind IN ('accept', 'read', 'recv') AND e.result >= 0
    AND e.process_id IN (SELECT line.process_id FROM line)
    AND e.object_id IN (SELECT accepted.object_id FROM accepted)
  WINDOW so_far AS (PARTITION BY e.process_id ORDER BY e.boot_ns, e.event_id ROWS UNBOUNDED PRECEDING)
), heard AS (
  SELECT line.key, said.process_id, said.object_id, least(said.end_boot_ns, line.cut_boot_ns) AS boot_ns
  FROM line ASOF JOIN said ON said.process_id = line.process_id AND said.boot_ns <= line.cut_boot_ns
)
SELECT heard.key, arg_max(heard.process_id, heard.boot_ns) AS process_id,
       arg_max(heard.object_id, heard.boot_ns) AS object_id, max(heard.boot_ns) AS boot_ns
FROM heard GROUP BY heard.key;
