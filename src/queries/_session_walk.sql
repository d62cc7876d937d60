-- SPDX-License-Identifier: Apache-2.0
-- question:  Which session does each process belong to, and which daemon is above it?
-- reads:     process, exec, event, socket, _program_name, _is_scheduler
-- column:    process_id         BIGINT  the process
-- column:    daemon_process_id  BIGINT  the daemon it belongs to or was started by; NULL: none above it
-- column:    session_id         BIGINT  the session it belongs to (process_id of its root); NULL: none
-- column:    parent_process_id  BIGINT  its creator
-- costs:     the whole store
-- limits:    see sessions
-- source:    FX-21
CREATE OR REPLACE VIEW _session_walk AS
-- A process in a session keeps it whatever it does: the session is that of the topmost process above it
-- that one can begin with.
WITH RECURSIVE started AS MATERIALIZED (
  SELECT x.process_id, bool_or(_is_scheduler(x.executable)) AS scheduler,
         bool_or(_program_name(x.executable) = 'login') AS login
  FROM exec AS x WHERE x.result = 0 GROUP BY x.process_id
), serving AS MATERIALIZED (  -- and since when
  SELECT d.process_id, min(d.boot_ns) AS boot_ns FROM (
    SELECT e.process_id, e.boot_ns FROM event AS e
    WHERE e.kind IN ('listen', 'accept') AND e.result >= 0
    UNION ALL
    SELECT e.process_id, 0 FROM event AS e JOIN socket AS s ON s.object_id = e.object_id
    WHERE e.kind = 'descriptor' AND s.direction = 'listening') AS d
  GROUP BY d.process_id
), role AS MATERIALIZED (
  SELECT p.process_id, p.parent_process_id, p.start_boot_ns,
         CASE WHEN coalesce(started.scheduler, FALSE) OR _is_scheduler(coalesce(p.executable, ''))
              THEN 0 ELSE serving.boot_ns END AS daemon_boot_ns,
         started.process_id IS NOT NULL AS executed, coalesce(started.login, FALSE) AS login,
         (p.pid <> 1 AND serving.process_id IS NOT NULL) OR coalesce(started.scheduler, FALSE)
           OR _is_scheduler(coalesce(p.executable, '')) AS daemon
  FROM process AS p
  LEFT JOIN started ON started.process_id = p.process_id
  LEFT JOIN serving ON serving.process_id = p.process_id
), edge AS (  -- what it was made by before that served nobody is no work for anybody
  SELECT r.process_id, r.parent_process_id,
         coalesce(above.daemon AND NOT (r.start_boot_ns < above.daemon_boot_ns), FALSE) AS by_daemon
  FROM role AS r LEFT JOIN role AS above ON above.process_id = r.parent_process_id
), near AS (  -- by doubling (see _jump): the nearest daemon above
  SELECT e.process_id, CASE WHEN NOT e.by_daemon THEN e.parent_process_id END AS up_process_id,
         CASE WHEN e.by_daemon THEN e.parent_process_id END AS daemon_process_id, 0 AS round
  FROM edge AS e
  UNION ALL
  SELECT below.process_id, above.up_process_id,
         coalesce(below.daemon_process_id, above.daemon_process_id), below.round + 1
  FROM near AS below LEFT JOIN near AS above ON above.process_id = below.up_process_id
  WHERE EXISTS (SELECT 1 FROM near AS unfinished WHERE unfinished.up_process_id IS NOT NULL)
    AND (CAST(1 AS BIGINT) << below.round) <= 2 * (SELECT count(*) FROM role)
), above AS MATERIALIZED (
  SELECT near.process_id, near.daemon_process_id FROM near
  WHERE near.round = (SELECT max(last_near.round) FROM near AS last_near)
), nearest AS MATERIALIZED (  -- itself included
  SELECT r.process_id, CASE WHEN r.daemon THEN r.process_id ELSE a.daemon_process_id END AS daemon_process_id
  FROM role AS r JOIN above AS a ON a.process_id = r.process_id
), spoken_to AS (  -- daemons that took connections from the network
  SELECT DISTINCT e.process_id FROM event AS e JOIN socket AS s ON s.object_id = e.object_id
  WHERE e.kind = 'accept' AND e.result >= 0 AND s.family IN ('inet', 'inet6')
), backdoor AS MATERIALIZED (  -- what such a one executed and then listens itself is no daemon of its own
  SELECT r.process_id, above.daemon_process_id
  FROM role AS r JOIN above ON above.process_id = r.process_id
  WHERE r.daemon AND r.executed
    AND above.daemon_process_id IN (SELECT spoken_to.process_id FROM spoken_to)
), served AS MATERIALIZED (
  SELECT n.process_id, coalesce(b.daemon_process_id, n.daemon_process_id) AS daemon_process_id
  FROM nearest AS n LEFT JOIN backdoor AS b ON b.process_id = n.daemon_process_id
), top AS (  -- by doubling: the topmost process that a session would begin with
  SELECT r.process_id, r.parent_process_id AS up_process_id,
         CASE WHEN (NOT r.daemon OR b.process_id IS NOT NULL)
                AND (r.login OR (r.executed AND sv.daemon_process_id IS NOT NULL))
              THEN r.process_id END AS session_id, 0 AS round
  FROM role AS r JOIN served AS sv ON sv.process_id = r.process_id
  LEFT JOIN backdoor AS b ON b.process_id = r.process_id
  UNION ALL
  SELECT below.process_id, above.up_process_id, coalesce(above.session_id, below.session_id), below.round + 1
  FROM top AS below LEFT JOIN top AS above ON above.process_id = below.up_process_id
  WHERE EXISTS (SELECT 1 FROM top AS unfinished WHERE unfinished.up_process_id IS NOT NULL)
    AND (CAST(1 AS BIGINT) << below.round) <= 2 * (SELECT count(*) FROM role)
)
SELECT t.process_id, sv.daemon_process_id, t.session_id, r.parent_process_id
FROM top AS t JOIN role AS r ON r.process_id = t.process_id
JOIN served AS sv ON sv.process_id = coalesce(t.session_id, t.process_id)
WHERE t.round = (SELECT max(last_top.round) FROM top AS last_top);
