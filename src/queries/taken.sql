-- SPDX-License-Identifier: Apache-2.0
-- question:  What was read from files and may have left, over which connection?
-- reads:     event, io, object, socket, process, exec, host, _flow_seen, _flow_process_seen, _processes_of, _scripts_of, _is_secret,
--            _way_back, _program_name
-- parameter: process  process  the top of a tree; none: not by tree  [default]
-- parameter: session  session  a session; none: not by session  [default]
-- column:    wall_ns           BIGINT   first read of the file
-- column:    path              VARCHAR  the file
-- column:    object_id         BIGINT   its id
-- column:    read_bytes        BIGINT   read from it by the reader
-- column:    process_id        BIGINT   the reader
-- column:    pid               BIGINT   its number in the initial pid namespace
-- column:    command_line      VARCHAR  its last known arguments
-- column:    copied            BOOLEAN  true: the reader wrote on exactly as many bytes as it had read from the file
-- column:    seen              BOOLEAN  true: a line of what the reader wrote on is among what was sent; false: none is (it was packed or encrypted, or is not in it); NULL: not captured
-- column:    secret            BOOLEAN  a file that holds passwords, keys or tokens
-- column:    made_here         BOOLEAN  written by the same processes before: a copy or a packet of other files
-- column:    flow_id           BIGINT   the connection
-- column:    destination_ip    VARCHAR  to whom it goes, seen from the host
-- column:    destination_port  BIGINT   to which port
-- column:    sent_bytes        BIGINT   sent by these processes over it, in all
-- column:    host              VARCHAR  name of the host
-- limits:    what one process read before it wrote may be in what it wrote. Not followed: memory that
--            processes share, arguments, what a server outside the session passed on. Left out: programs,
--            libraries, texts that programs begin with. Unless they were copied: files in which names of users
--            are looked up, start-up files and histories of shells, scripts that are run. What sshd, sudo and
--            others that let users in read of their own (/etc, /run, /var/log) is left out
-- source:    ATT&CK TA0010; our own
CREATE OR REPLACE MACRO taken(process := NULL, session := NULL) AS TABLE
WITH RECURSIVE member AS MATERIALIZED (
  SELECT tk_m.process_id FROM _processes_of(process := process, session := session) AS tk_m
), program AS MATERIALIZED (  -- what a process read is forgotten when it executes another program
  SELECT tk_x.process_id, tk_x.boot_ns, tk_x.event_id AS exec_id FROM exec AS tk_x
  WHERE tk_x.result = 0 AND tk_x.process_id IN (SELECT member.process_id FROM member)
), moved AS MATERIALIZED (
  SELECT tk_e.event_id, coalesce(x.exec_id, 0) AS exec_id, tk_e.process_id, tk_e.object_id, tk_e.host_id, tk_e.boot_ns,
         tk_e.end_boot_ns, tk_e.wall_ns, tk_e.size_bytes, tk_e.kind IN ('read', 'recv') AS inward
  FROM event AS tk_e ASOF LEFT JOIN program AS x ON x.process_id = tk_e.process_id AND x.boot_ns <= tk_e.boot_ns
  WHERE tk_e.process_id IN (SELECT member.process_id FROM member)
    AND tk_e.kind IN ('read', 'recv', 'write', 'send') AND tk_e.size_bytes > 0 AND NOT tk_e.baseline
), thing AS MATERIALIZED (
  SELECT tk_o.object_id, tk_o.type, tk_o.path, tk_s.peer_object_id,
         coalesce(tk_s.family IN ('inet', 'inet6'), FALSE) AS network,
         regexp_matches(coalesce(tk_o.path, ''), '^(/usr)?/(lib(32|64|x32)?|bin|sbin|share|include)/'
           || '|^/usr/local/(lib|share|bin|sbin)/|^/(proc|sys|dev)/|\.so(\.[0-9.]+)?$|\.pyc$|/(site|dist)-packages/'
           || '|/(lib|lib64)/(python|perl|ruby)[0-9.]*/|/node_modules/|^/etc/(ld\.so\.(cache|preload)|locale\.alias'
           || '|localtime|nsswitch\.conf|inputrc|bash\.bashrc|profile|terminfo/.*|resolv\.conf|host\.conf|gai\.conf)$')
           AS ordinary,
         coalesce(tk_o.path IN ('/etc/passwd', '/etc/group') OR regexp_matches(tk_o.path, '/\.[a-z_]*history$')
           OR _way_back(tk_o.path) = 'shell start-up file', FALSE) AS incidental
  FROM object AS tk_o LEFT JOIN socket AS tk_s ON tk_s.object_id = tk_o.object_id
  WHERE tk_o.object_id IN (SELECT moved.object_id FROM moved)
), side AS (
  SELECT tk_i.event_id, bool_or(tk_i.pty_master) AS master FROM io AS tk_i
  WHERE tk_i.process_id IN (SELECT member.process_id FROM member)
    AND tk_i.object_id IN (SELECT thing.object_id FROM thing WHERE thing.type = 'pty')
  GROUP BY tk_i.event_id
), edge AS MATERIALIZED (
  SELECT m.process_id, m.exec_id, m.object_id, m.inward, coalesce(s.master, FALSE) AS master, min(m.boot_ns) AS from_ns,
         max(m.end_boot_ns) AS until_ns, min(m.wall_ns) AS wall_ns, _bigint(sum(m.size_bytes)) AS size_bytes,
         any_value(m.host_id) AS host_id
  FROM moved AS m LEFT JOIN side AS s ON s.event_id = m.event_id
  GROUP BY m.process_id, m.exec_id, m.object_id, m.inward, coalesce(s.master, FALSE)
), held AS MATERIALIZED (  -- what a program has read, or before it began its creator, while it runs the same one
  SELECT e.process_id AS holder_id, e.exec_id AS holder_exec_id, e.* FROM edge AS e WHERE e.inward
  UNION ALL
  SELECT tk_p.process_id, 0, e.process_id, e.exec_id, e.object_id, e.inward, e.master, e.from_ns,
         least(e.until_ns, tk_p.start_boot_ns), e.wall_ns, e.size_bytes, e.host_id
  FROM process AS tk_p JOIN edge AS e ON e.process_id = tk_p.parent_process_id AND e.inward
  WHERE tk_p.process_id IN (SELECT member.process_id FROM member) AND e.from_ns < tk_p.start_boot_ns
    AND e.exec_id = coalesce((SELECT max(x.exec_id) FROM program AS x
      WHERE x.process_id = tk_p.parent_process_id AND x.boot_ns <= tk_p.start_boot_ns), 0)
), sink AS MATERIALIZED (  -- connections over which these processes sent
  SELECT DISTINCT tk_f.flow_id, e.process_id, e.exec_id, e.object_id, e.until_ns
  FROM edge AS e JOIN thing AS t ON t.object_id = e.object_id AND t.network
  JOIN (SELECT DISTINCT tk_fp.flow_id, tk_fp.object_id FROM _flow_process_seen AS tk_fp) AS tk_f
    ON tk_f.object_id = e.object_id
  WHERE NOT e.inward
), reach AS (
  SELECT k.flow_id, h.process_id, h.exec_id, h.object_id, h.master, h.until_ns
  FROM sink AS k JOIN held AS h
    ON h.holder_id = k.process_id AND h.holder_exec_id = k.exec_id AND h.from_ns < k.until_ns
  UNION
  SELECT r.flow_id, h.process_id, h.exec_id, h.object_id, h.master, h.until_ns
  FROM reach AS r JOIN thing AS t ON t.object_id = r.object_id AND NOT t.network AND NOT t.incidental
    AND NOT (t.ordinary AND t.type NOT IN ('pty', 'tty'))
  JOIN edge AS w ON w.object_id = coalesce(t.peer_object_id, r.object_id) AND NOT w.inward AND w.from_ns < r.until_ns
    AND (t.type <> 'pty' OR w.master <> r.master)
  JOIN held AS h ON h.holder_id = w.process_id AND h.holder_exec_id = w.exec_id AND h.from_ns < w.until_ns
), found AS MATERIALIZED (
  SELECT DISTINCT r.flow_id, r.process_id, r.exec_id, r.object_id, t.path,
         t.incidental OR q.object_id IS NOT NULL AS incidental
  FROM reach AS r JOIN thing AS t ON t.object_id = r.object_id
  LEFT JOIN _scripts_of(process := process, session := session) AS q
    ON q.event_id = r.exec_id AND q.object_id = r.object_id
  LEFT JOIN process AS tk_r ON tk_r.process_id = r.process_id
  WHERE t.type IN ('file', 'memfd', 'path') AND NOT t.ordinary
    AND NOT coalesce(regexp_matches(_program_name(tk_r.executable), '^(sshd.*|login|su|sudo|doas|pkexec|a?getty|crond?)$')
                     AND regexp_matches(t.path, '^/(etc|run|var/(log|run|lib))/'), FALSE)
), told AS (  -- by the readers, to whomever, from when they had read on
  SELECT e.process_id, e.exec_id, e.object_id, list(w.size_bytes) AS sizes
  FROM edge AS e JOIN edge AS w ON w.process_id = e.process_id AND w.exec_id = e.exec_id AND NOT w.inward AND e.inward
    AND w.until_ns > e.from_ns
  WHERE e.object_id IN (SELECT found.object_id FROM found) GROUP BY e.process_id, e.exec_id, e.object_id
), candidate AS MATERIALIZED (
  SELECT f.*, e.size_bytes, e.from_ns, e.until_ns, e.wall_ns, e.host_id,
         coalesce(list_contains(d.sizes, e.size_bytes), FALSE) AS copied
  FROM found AS f JOIN edge AS e
    ON e.process_id = f.process_id AND e.exec_id = f.exec_id AND e.object_id = f.object_id AND e.inward
  LEFT JOIN told AS d ON d.process_id = f.process_id AND d.exec_id = f.exec_id AND d.object_id = f.object_id
), line AS (  -- of the first bytes of what readers wrote on
  SELECT c.process_id, c.object_id, unnest(string_split(left(CAST(tk_i.data AS VARCHAR), 4096), '\x0A')[1:40]) AS text
  FROM (SELECT DISTINCT candidate.process_id, candidate.object_id, candidate.from_ns FROM candidate
        WHERE candidate.copied) AS c
  JOIN io AS tk_i ON tk_i.process_id = c.process_id AND tk_i.boot_ns > c.from_ns
  WHERE tk_i.direction = 'out' AND tk_i.data IS NOT NULL AND tk_i.process_id IN (SELECT member.process_id FROM member)
), known AS MATERIALIZED (
  SELECT DISTINCT l.process_id, l.object_id, left(l.text, 200) AS text FROM line AS l WHERE length(l.text) >= 6
), sender AS MATERIALIZED (
  SELECT DISTINCT sink.flow_id, sink.process_id, sink.object_id FROM sink
), output AS (
  SELECT k.flow_id, tk_i.data, tk_i.event_id, tk_i.boot_ns,
         sum(octet_length(tk_i.data)) OVER (PARTITION BY k.flow_id ORDER BY tk_i.boot_ns, tk_i.event_id) AS so_far_bytes
  FROM sender AS k JOIN io AS tk_i ON tk_i.process_id = k.process_id AND tk_i.object_id = k.object_id
  WHERE tk_i.direction = 'out' AND tk_i.data IS NOT NULL
    AND tk_i.process_id IN (SELECT member.process_id FROM member)
), sent AS MATERIALIZED (
  SELECT o.flow_id, string_agg(CAST(o.data AS VARCHAR), '' ORDER BY o.boot_ns, o.event_id) AS text
  FROM output AS o WHERE o.so_far_bytes <= 8388608 GROUP BY o.flow_id
), judged AS (
  SELECT c.flow_id, c.process_id, c.object_id, bool_or(contains(s.text, n.text)) AS seen
  FROM candidate AS c JOIN known AS n ON n.process_id = c.process_id AND n.object_id = c.object_id
  JOIN sent AS s ON s.flow_id = c.flow_id GROUP BY c.flow_id, c.process_id, c.object_id
), sent_bytes AS (
  SELECT k.flow_id, _bigint(sum(e.size_bytes)) AS size_bytes
  FROM sender AS k JOIN edge AS e ON e.process_id = k.process_id AND e.object_id = k.object_id AND NOT e.inward
  GROUP BY k.flow_id
)
SELECT f.wall_ns, f.path, f.object_id, f.size_bytes AS read_bytes, f.process_id, tk_p.pid, tk_p.command_line, f.copied,
       j.seen, _is_secret(f.path) AS secret,
       EXISTS (SELECT 1 FROM edge AS w WHERE w.object_id = f.object_id AND NOT w.inward AND w.from_ns < f.until_ns)
         AS made_here,
       f.flow_id, CASE WHEN tk_l.direction = 'inbound' THEN tk_l.source_ip ELSE tk_l.destination_ip END AS destination_ip,
       CASE WHEN tk_l.direction = 'inbound' THEN tk_l.source_port ELSE tk_l.destination_port END AS destination_port,
       b.size_bytes AS sent_bytes, tk_h.name AS host
FROM candidate AS f
JOIN _flow_seen AS tk_l ON tk_l.flow_id = f.flow_id
JOIN sent_bytes AS b ON b.flow_id = f.flow_id
LEFT JOIN judged AS j ON j.flow_id = f.flow_id AND j.process_id = f.process_id AND j.object_id = f.object_id
LEFT JOIN process AS tk_p ON tk_p.process_id = f.process_id
LEFT JOIN host AS tk_h ON tk_h.host_id = f.host_id
WHERE f.copied OR NOT f.incidental
ORDER BY f.flow_id, f.copied DESC, j.seen DESC NULLS LAST, secret DESC, f.wall_ns, f.path, f.process_id;
