-- SPDX-License-Identifier: Apache-2.0
-- question:  Which sessions look like a break-in, the most suspicious first, and why?
-- reads:     sessions, process, root_transitions, _flow_seen, _flow_owner, event, exec, _session_walk, _is_login_program, _program_name, _file_link, _way_back, _is_log
-- column:    session_id     BIGINT     the session
-- column:    score          BIGINT     sum of the weights of the reasons: for ordering only
-- column:    reasons        VARCHAR[]  in words, the weightiest first
-- column:    begin_wall_ns  BIGINT     when the session began
-- column:    host           VARCHAR    name of the host
-- limits:    a rule of thumb to begin with; a session that is not here is not cleared. CGI programs written for a
--            shell are here with the weight 1, logins that used sudo or su as well
-- source:    FX-22, D9
CREATE OR REPLACE VIEW suspicious_sessions AS
WITH known AS MATERIALIZED (
  SELECT s.*, s.daemon IS NOT NULL AND NOT _is_login_program(s.daemon) AS uninvited FROM sessions AS s
), linked AS MATERIALIZED (SELECT l.* FROM _file_link AS l), refused AS (
  SELECT k.host, k.entry_source_ip, count(*) AS count FROM known AS k
  WHERE k.logged_in = FALSE AND k.entry_source_ip IS NOT NULL GROUP BY k.host, k.entry_source_ip
), own AS (
  SELECT k.session_id,
         CASE WHEN t.cause = 'unexplained' THEN 10 WHEN t.cause = 'setuid_program' THEN 1 WHEN k.uninvited THEN 8
              WHEN _program_name(t.executable) IN ('sudo', 'su', 'doas', 'pkexec', 'run0') THEN 1 ELSE 6 END AS weight,
         CASE WHEN t.cause = 'setuid_program' THEN coalesce('pid ' || t.pid, 'a process') || ' ' || t.explanation
              ELSE coalesce('pid ' || t.pid, 'a process') || ' became root: it ' || t.explanation END AS words
  FROM known AS k JOIN root_transitions AS t ON t.session_id = k.session_id
  WHERE t.cause <> 'setuid_program' OR k.uninvited
  UNION ALL
  SELECT k.session_id, 4, 'something in it read from a terminal, though ' || k.daemon || ' lets nobody log in'
  FROM known AS k WHERE k.uninvited AND k.interactive
  UNION ALL
  SELECT k.session_id, 2, 'it connected out to ' || f.destination_ip || ' port ' || f.destination_port
  FROM known AS k JOIN _session_walk AS w ON w.session_id = k.session_id
  JOIN _flow_owner AS o ON o.process_id = w.process_id JOIN _flow_seen AS f ON f.flow_id = o.flow_id
  WHERE k.uninvited AND f.direction = 'outbound' AND f.destination_ip NOT LIKE '127.%'
    AND f.destination_ip <> '::1' AND k.kind <> 'scheduled' AND coalesce(f.state, 'connected') = 'connected'
  GROUP BY k.session_id, f.destination_ip, f.destination_port
  UNION ALL
  SELECT k.session_id, 1, 'a shell was executed in it, though ' || k.daemon || ' lets nobody log in'
  FROM known AS k WHERE k.uninvited AND k.shell AND k.kind <> 'scheduled'
  UNION ALL  -- a tunnel, or a local service that was made to do something
  SELECT k.session_id, CASE WHEN v.uninvited AND k.logged_in THEN 4 WHEN k.uninvited AND k.uid = 0 AND v.uid <> 0 THEN 3 ELSE 1 END,
         'it came in over a connection that ' || coalesce('pid ' || p.pid, 'a process') || ' of session '
         || k.via_session_id || ' on this host had the other end of'
  FROM known AS k JOIN known AS v ON v.session_id = k.via_session_id
  JOIN process AS p ON p.process_id = k.via_process_id
  WHERE k.logged_in OR (k.uninvited AND v.kind <> 'scheduled')
  UNION ALL
  SELECT k.session_id, 5, 'it came in after ' || l.path || ' was read, which another session had changed'
  FROM linked AS l JOIN known AS k ON k.session_id = l.session_id
  WHERE l.means = 'key' AND k.logged_in GROUP BY k.session_id, l.path
  UNION ALL
  SELECT k.session_id, 5, 'it was started after ' || l.path || ' was read, which another session had changed'
  FROM linked AS l JOIN known AS k ON k.session_id = l.session_id
  WHERE l.means = 'scheduled job' AND k.kind = 'scheduled' GROUP BY k.session_id, l.path
  UNION ALL
  SELECT w.session_id, 5, 'it made ' || e.path || ' setuid' || format(' (mode {:o})', max(e."value") & 4095)
  FROM event AS e JOIN _session_walk AS w ON w.process_id = e.process_id
  WHERE e.kind = 'chmod' AND e.result >= 0 AND (e."value" & 2048) <> 0 AND w.session_id IS NOT NULL
    AND e.process_id NOT IN (SELECT d.process_id FROM exec AS d WHERE _program_name(d.executable) = 'dpkg')
  GROUP BY w.session_id, e.path
  UNION ALL
  SELECT w.session_id, 5, 'it gave ' || e.path || ' capabilities'
  FROM event AS e JOIN _session_walk AS w ON w.process_id = e.process_id
  WHERE e.kind = 'set_attribute' AND e.result >= 0 AND e.other_path = 'security.capability' AND w.session_id IS NOT NULL
    AND e.process_id NOT IN (SELECT d.process_id FROM exec AS d WHERE _program_name(d.executable) = 'dpkg')
  GROUP BY w.session_id, e.path
  UNION ALL
  SELECT w.session_id, 3, 'it changed ' || e.path || ' (' || _way_back(e.path) || ')'
  FROM event AS e JOIN _session_walk AS w ON w.process_id = e.process_id
  WHERE e.kind = 'open' AND e.result >= 0 AND (coalesce(e.flags, 0) & 3) <> 0 AND w.session_id IS NOT NULL
    AND _way_back(e.path) IN ('key', 'scheduled job', 'loader', 'service')
  GROUP BY w.session_id, e.path
  UNION ALL
  SELECT w.session_id, 3, 'it removed what ' || e.name || ' (' || _is_log(e.name) || ') held'
  FROM (
    SELECT d.process_id, d.boot_ns, d.path AS name FROM event AS d
    WHERE d.result >= 0 AND (d.kind IN ('unlink', 'truncate') OR (d.kind = 'open' AND (coalesce(d.flags, 0) & 512) <> 0
        AND ((d.flags & 64) = 0 OR (d.flags & 1610612736) = 536870912)))
    UNION ALL
    SELECT d.process_id, d.boot_ns, d.other_path FROM event AS d
    WHERE d.result >= 0 AND d.kind = 'rename' AND d.other_object_id IS NOT NULL
      AND d.other_object_id IS DISTINCT FROM d.object_id AND (coalesce(d.flags, 0) & 2) = 0) AS e
  JOIN _session_walk AS w ON w.process_id = e.process_id
  WHERE w.session_id IS NOT NULL AND (e.name LIKE '/var/log/%' OR _is_log(e.name) = 'login record')
    AND _is_log(e.name) IS NOT NULL
    AND e.process_id NOT IN (SELECT d.process_id FROM exec AS d
      WHERE _program_name(d.executable) IN ('logrotate', 'savelog', 'rsyslogd', 'systemd-journald', 'dpkg'))
  GROUP BY w.session_id, e.name
  UNION ALL
  SELECT k.session_id, 2, 'somebody logged in from ' || k.entry_source_ip || ', from where '
         || r.count || CASE WHEN r.count = 1 THEN ' login was' ELSE ' logins were' END || ' refused'
  FROM known AS k JOIN refused AS r ON r.entry_source_ip = k.entry_source_ip AND r.host = k.host
  WHERE k.logged_in
), score AS MATERIALIZED (
  SELECT o.session_id, sum(o.weight) AS weight FROM own AS o GROUP BY o.session_id
), reason AS (
  SELECT o.* FROM own AS o
  UNION ALL  -- beside one that looks like a break-in by itself
  SELECT k.session_id, 3, 'it came from ' || k.origin_ip || ', as session ' || arg_max(b.session_id, s.weight)
         || ' did, which looks like a break-in'
  FROM known AS k JOIN known AS b ON b.origin_ip = k.origin_ip AND b.session_id <> k.session_id
  JOIN score AS s ON s.session_id = b.session_id
  WHERE s.weight >= 5 GROUP BY k.session_id, k.origin_ip
)
SELECT r.session_id, sum(r.weight)::BIGINT AS score, list(r.words ORDER BY r.weight DESC, r.words) AS reasons,
       any_value(k.begin_wall_ns) AS begin_wall_ns, any_value(k.host) AS host
FROM reason AS r JOIN known AS k ON k.session_id = r.session_id
GROUP BY r.session_id
ORDER BY score DESC, begin_wall_ns, r.session_id;
