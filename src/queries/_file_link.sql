-- SPDX-License-Identifier: Apache-2.0
-- question:  Which sessions came after their daemon, or they themselves, had read a file by which another session opened a way back in?
-- reads:     _session_walk, _way_back, event_by_object, object_name, process
-- column:    session_id          BIGINT   the session that came in, or was started, by it
-- column:    planter_session_id  BIGINT   the session that had changed the file
-- column:    object_id           BIGINT   the file
-- column:    path                VARCHAR  its well-known name
-- column:    means               VARCHAR  as in persistence
-- column:    changed_wall_ns     BIGINT   last change before it was read
-- column:    read_wall_ns        BIGINT   first read
-- costs:     the whole store
-- limits:    that it read the file is no proof that it came in by it
-- source:    D9
CREATE OR REPLACE VIEW _file_link AS
WITH named AS MATERIALIZED (
  SELECT n.object_id, arg_min(n.path, n.from_boot_ns) AS path, any_value(_way_back(n.path)) AS means
  FROM object_name AS n WHERE _way_back(n.path) IN ('key', 'scheduled job', 'service', 'shell start-up file', 'start-up script')
  GROUP BY n.object_id
), use AS MATERIALIZED (
  SELECT e.object_id, e.process_id, e.boot_ns, e.end_boot_ns, e.wall_ns, e.host_id,
         e.kind IN ('write', 'truncate', 'rename') OR (e.kind = 'open' AND (coalesce(e.flags, 0) & 512) <> 0) AS changes
  FROM event_by_object AS e
  WHERE e.object_id IN (SELECT named.object_id FROM named) AND e.result >= 0
    AND e.kind IN ('open', 'read', 'write', 'truncate', 'rename') AND NOT e.baseline
), change AS (
  SELECT u.object_id, w.session_id, u.end_boot_ns, u.wall_ns, u.host_id
  FROM use AS u JOIN _session_walk AS w ON w.process_id = u.process_id
  WHERE u.changes AND w.session_id IS NOT NULL
), read AS MATERIALIZED (  -- of what a session had changed at any time
  SELECT u.object_id, u.process_id, u.boot_ns, u.wall_ns FROM use AS u
  WHERE NOT u.changes AND u.object_id IN (SELECT change.object_id FROM change)
), daemon AS (  -- who reads for the sessions below it, or below a child of it
  SELECT DISTINCT r.process_id AS reader_process_id, r.process_id FROM read AS r
  UNION
  SELECT c.parent_process_id, c.process_id FROM process AS c
  WHERE c.parent_process_id IN (SELECT r.process_id FROM read AS r)
), reader AS (  -- sshd reads keys in the session itself, a scheduler its jobs before there is one
  SELECT r.object_id, w.session_id, r.boot_ns, r.wall_ns
  FROM read AS r JOIN _session_walk AS w ON w.process_id = r.process_id
  WHERE w.session_id IS NOT NULL
  UNION ALL
  SELECT r.object_id, w.session_id, r.boot_ns, r.wall_ns
  FROM read AS r JOIN daemon AS d ON d.reader_process_id = r.process_id
  JOIN process AS there ON there.process_id = r.process_id
  JOIN _session_walk AS w ON w.daemon_process_id = d.process_id AND w.session_id = w.process_id
  JOIN process AS p ON p.process_id = w.session_id AND p.start_boot_ns >= r.boot_ns
)
SELECT r.session_id, c.session_id AS planter_session_id, r.object_id, any_value(named.path) AS path,
       any_value(named.means) AS means, max(c.wall_ns) AS changed_wall_ns, min(r.wall_ns) AS read_wall_ns
FROM reader AS r JOIN change AS c ON c.object_id = r.object_id AND c.end_boot_ns <= r.boot_ns
JOIN named ON named.object_id = r.object_id
WHERE r.session_id <> c.session_id
GROUP BY r.session_id, c.session_id, r.object_id;
