-- SPDX-License-Identifier: Apache-2.0
-- question:  Which session does each process belong to, and which daemon is above it?
-- reads:     process, exec, event, socket, _program_name, _is_scheduler
-- column:    process_id         BIGINT  the process
-- column:    daemon_process_id  BIGINT  the daemon it belongs to or was started by; NULL: none above it
-- column:    session_id         BIGINT  the session it belongs to (process_id of its root); NULL: none
-- column:    parent_process_id  BIGINT  its creator
-- limits:    see sessions
-- source:    FX-21
CREATE OR REPLACE VIEW _session_walk AS
-- From the top of every process tree downwards; a process in a session keeps it whatever it does.
WITH RECURSIVE started AS MATERIALIZED (
  SELECT x.process_id, bool_or(_is_scheduler(x.executable)) AS scheduler,
         bool_or(_program_name(x.executable) = 'login') AS login
  FROM exec AS x WHERE x.result = 0 GROUP BY x.process_id
), serving AS MATERIALIZED (
  SELECT DISTINCT e.process_id FROM event AS e
  WHERE e.kind IN ('listen', 'accept') AND e.result >= 0
  UNION
  SELECT DISTINCT e.process_id FROM event AS e JOIN socket AS s ON s.object_id = e.object_id
  WHERE e.kind = 'descriptor' AND s.direction = 'listening'
), role AS MATERIALIZED (
  SELECT p.process_id, p.parent_process_id, p.pid = 1 AS first_process,
         started.process_id IS NOT NULL AS executed, coalesce(started.login, FALSE) AS login,
         (p.pid <> 1 AND serving.process_id IS NOT NULL) OR coalesce(started.scheduler, FALSE)
           OR _is_scheduler(coalesce(p.executable, '')) AS daemon
  FROM process AS p
  LEFT JOIN started ON started.process_id = p.process_id
  LEFT JOIN serving ON serving.process_id = p.process_id
), walk AS (
  SELECT r.process_id, r.parent_process_id, CASE WHEN r.daemon THEN r.process_id END AS daemon_process_id,
         CASE WHEN r.login AND NOT r.daemon THEN r.process_id END AS session_id, 0 AS depth
  FROM role AS r
  WHERE r.parent_process_id IS NULL
     OR r.parent_process_id NOT IN (SELECT known.process_id FROM process AS known)
  UNION ALL
  SELECT r.process_id, r.parent_process_id,
         CASE WHEN above.session_id IS NOT NULL THEN above.daemon_process_id
              WHEN r.daemon THEN r.process_id ELSE above.daemon_process_id END,
         CASE WHEN above.session_id IS NOT NULL THEN above.session_id
              WHEN r.daemon THEN NULL
              WHEN r.login OR (above.daemon_process_id IS NOT NULL AND r.executed)
              THEN r.process_id END,
         above.depth + 1
  FROM walk AS above JOIN role AS r ON r.parent_process_id = above.process_id
  WHERE above.depth < 4096
)
SELECT walk.process_id, walk.daemon_process_id, walk.session_id, walk.parent_process_id FROM walk;
