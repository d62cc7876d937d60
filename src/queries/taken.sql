-- SPDX-License-Identifier: Apache-2.0
-- question:  What was read from files and may have left, over which connection?
-- reads:     event, io, object, object_name, socket, process, exec, host, _flow_seen, _flow_process_seen, _processes_of, _scripts_of, _is_secret,
--            _is_ordinary, _is_own_work, _is_shell, _way_back, _program_name
-- parameter: process  process  the top of a tree; none: not by tree  [default]
-- parameter: session  session  a session; none: not by session  [default]
-- column:    wall_ns           BIGINT   first read of the file
-- column:    path              VARCHAR  the file
-- column:    object_id         BIGINT   its id
-- column:    read_bytes        BIGINT   read from it by the reader
-- column:    process_id        BIGINT   the reader
-- column:    pid               BIGINT   its number in the initial pid namespace
-- column:    command_line      VARCHAR  its arguments then, as far as known
-- column:    copied            BOOLEAN  true: exactly as many bytes as the reader had read from the file were written on towards the connection
-- column:    passed_bytes      BIGINT   written on towards the connection, in all, by who held what was read, after the first read
-- column:    seen              BOOLEAN  true: a line of what the reader wrote on is among what was sent; false: none is (it was packed or encrypted, or is not in it); NULL: not captured
-- column:    secret            BOOLEAN  a file that holds passwords, keys or tokens
-- column:    made_here         BOOLEAN  written by the same processes before: a copy or a packet of other files
-- column:    flow_id           BIGINT   the connection
-- column:    destination_ip    VARCHAR  to whom it goes, seen from the host
-- column:    destination_port  BIGINT   to which port
-- column:    sent_bytes        BIGINT   sent by these processes over it, in all
-- column:    host              VARCHAR  name of the host
-- limits:    what one process read before it wrote may be in what it wrote. Not followed: memory that
--            processes share, arguments, what a server outside the session passed on, what a terminal showed
--            into what was typed on it. Left out, unless an argument of the reader names it: programs,
--            libraries, texts that programs begin with; and unless they were copied: files in which names are
--            looked up, settings of libraries, what a shell reads before anything is typed. Scripts that are
--            run are here only where they were copied. What sshd, sudo and others that let users in read of
--            their own (/etc, /run, /var/log) is left out, and secrets that it is the reader's work to read
-- source:    ATT&CK TA0010; our own
CREATE OR REPLACE MACRO taken(process := NULL, session := NULL) AS TABLE
WITH RECURSIVE member AS MATERIALIZED (
  SELECT tk_m.process_id FROM _processes_of(process := process, session := session) AS tk_m
), program AS MATERIALIZED (  -- what a process read is forgotten when it executes another program
  SELECT tk_x.process_id, tk_x.boot_ns, tk_x.event_id AS exec_id, tk_x.executable, tk_x.command_line,
         tk_x.arguments[2:200] AS arguments,
         rtrim(coalesce(tk_x.working_directory, ''), '/') AS working_directory
  FROM exec AS tk_x
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
         _is_ordinary(tk_o.path) AS ordinary,
         coalesce(regexp_matches(tk_o.path, '^/etc/(passwd|group|services|protocols|hosts|login\.defs|default/.*|krb5\.conf|'
           || 'ssl/(openssl\.cnf|certs/.*)|ssh/ssh_config(\.d/.*)?|gitconfig|pki/tls/.*|crypto-policies/.*|ca-certificates.*|(c?url|wget)rc)$|/\.((c?url|wget)rc|gitconfig|ssh/(config|known_hosts2?))$'
           || '|\.pem$') AND NOT _is_secret(tk_o.path) OR regexp_matches(tk_o.path, '/\.[a-z_]*history$')
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
    AND NOT (w.master AND h.master AND h.object_id = w.object_id)
), outlet AS MATERIALIZED (  -- what is written there gets to the connection
  SELECT sink.flow_id, sink.object_id FROM sink
  UNION
  SELECT r.flow_id, coalesce(t.peer_object_id, r.object_id)
  FROM reach AS r JOIN thing AS t ON t.object_id = r.object_id WHERE NOT t.network
), prompted AS (  -- when a program was first spoken to
  SELECT e.process_id, e.exec_id, min(e.from_ns) AS from_ns FROM edge AS e
  JOIN thing AS t ON t.object_id = e.object_id AND t.type IN ('pty', 'tty', 'socket')
  WHERE e.inward GROUP BY e.process_id, e.exec_id
), file_read AS (
  SELECT DISTINCT r.process_id, r.exec_id, r.object_id, t.path, t.ordinary, t.incidental
  FROM reach AS r JOIN thing AS t ON t.object_id = r.object_id WHERE t.type IN ('file', 'memfd', 'path')
), argument AS (
  SELECT DISTINCT x.process_id, x.exec_id, a.word,
         CASE WHEN a.word LIKE '/%' THEN rtrim(a.word, '/')
              WHEN a.word IN ('.', './') THEN x.working_directory
              ELSE x.working_directory || '/' || regexp_replace(rtrim(a.word, '/'), '^(\./)+', '') END AS path
  FROM program AS x, unnest(x.arguments) AS a(word) WHERE a.word <> ''
), named AS (  -- files that an argument of the reader names, by themselves or by a folder above them
  SELECT DISTINCT f.process_id, f.exec_id, f.object_id FROM file_read AS f
  JOIN argument AS a ON a.process_id = f.process_id AND a.exec_id = f.exec_id
  WHERE ends_with(a.word, f.path) OR f.path = a.path OR (length(a.path) > 1 AND starts_with(f.path, a.path || '/'))
), script AS (
  SELECT q.event_id AS exec_id, q.object_id FROM _scripts_of(process := process, session := session) AS q
), judged_file AS MATERIALIZED (
  SELECT f.process_id, f.exec_id, f.object_id, f.path, q.object_id IS NOT NULL
           OR (n.object_id IS NULL AND (f.incidental OR coalesce(_is_shell(x.executable) AND NOT _is_secret(f.path)
               AND e.until_ns < p.from_ns, FALSE))) AS incidental
  FROM file_read AS f
  JOIN edge AS e ON e.process_id = f.process_id AND e.exec_id = f.exec_id AND e.object_id = f.object_id AND e.inward
  LEFT JOIN named AS n ON n.process_id = f.process_id AND n.exec_id = f.exec_id AND n.object_id = f.object_id
  LEFT JOIN script AS q ON q.exec_id = f.exec_id AND q.object_id = f.object_id
  LEFT JOIN prompted AS p ON p.process_id = f.process_id AND p.exec_id = f.exec_id
  LEFT JOIN program AS x ON x.exec_id = f.exec_id
  LEFT JOIN process AS tk_r ON tk_r.process_id = f.process_id
  WHERE (NOT f.ordinary OR n.object_id IS NOT NULL)
    AND NOT coalesce(regexp_matches(_program_name(tk_r.executable), '^(sshd.*|login|su|sudo|doas|pkexec|a?getty|crond?)$')
                     AND regexp_matches(f.path, '^/(etc|run|var/(log|run|lib))/'), FALSE)
    AND NOT _is_own_work(x.executable, f.path)
), found AS MATERIALIZED (
  SELECT DISTINCT r.flow_id, f.process_id, f.exec_id, f.object_id, f.path, f.incidental
  FROM reach AS r JOIN judged_file AS f
    ON f.process_id = r.process_id AND f.exec_id = r.exec_id AND f.object_id = r.object_id
), told AS MATERIALIZED (  -- written on by who held it, after the first read, to what gets to the connection
  SELECT f.flow_id, f.process_id, f.exec_id, f.object_id, w.process_id AS teller_id, w.exec_id AS teller_exec_id,
         w.object_id AS outlet_id, max(w.size_bytes) AS size_bytes
  FROM found AS f
  JOIN held AS h ON h.process_id = f.process_id AND h.exec_id = f.exec_id AND h.object_id = f.object_id
  JOIN edge AS w ON w.process_id = h.holder_id AND w.exec_id = h.holder_exec_id AND NOT w.inward AND w.until_ns > h.from_ns
  JOIN outlet AS o ON o.flow_id = f.flow_id AND o.object_id = w.object_id
  GROUP BY f.flow_id, f.process_id, f.exec_id, f.object_id, w.process_id, w.exec_id, w.object_id
), copy AS MATERIALIZED (  -- in all, or by one call
  SELECT DISTINCT d.flow_id, d.process_id, d.exec_id, d.object_id, m.event_id, e.from_ns
  FROM told AS d
  JOIN edge AS e ON e.process_id = d.process_id AND e.exec_id = d.exec_id AND e.object_id = d.object_id AND e.inward
  JOIN moved AS m ON m.process_id = d.teller_id AND m.exec_id = d.teller_exec_id AND m.object_id = d.outlet_id
    AND NOT m.inward AND m.end_boot_ns > e.from_ns
  WHERE e.size_bytes IN (d.size_bytes, m.size_bytes)
), passed AS (
  SELECT d.flow_id, d.process_id, d.exec_id, d.object_id, _bigint(sum(d.size_bytes)) AS size_bytes
  FROM told AS d GROUP BY d.flow_id, d.process_id, d.exec_id, d.object_id
), candidate AS MATERIALIZED (
  SELECT f.*, e.size_bytes, e.from_ns, e.until_ns, e.wall_ns, e.host_id, d.size_bytes AS passed_bytes,
         (f.flow_id, f.process_id, f.exec_id, f.object_id)
           IN (SELECT (c.flow_id, c.process_id, c.exec_id, c.object_id) FROM copy AS c) AS copied
  FROM found AS f JOIN edge AS e
    ON e.process_id = f.process_id AND e.exec_id = f.exec_id AND e.object_id = f.object_id AND e.inward
  LEFT JOIN passed AS d
    ON d.flow_id = f.flow_id AND d.process_id = f.process_id AND d.exec_id = f.exec_id AND d.object_id = f.object_id
), line AS (  -- of the first bytes of copies
  SELECT c.flow_id, c.process_id, c.exec_id, c.object_id,
         unnest(string_split(left(CAST(tk_i.data AS VARCHAR), 4096), '\x0A')[1:40]) AS text
  FROM copy AS c JOIN io AS tk_i ON tk_i.event_id = c.event_id
  WHERE tk_i.direction = 'out' AND tk_i.data IS NOT NULL AND tk_i.process_id IN (SELECT member.process_id FROM member)
), known AS MATERIALIZED (
  SELECT DISTINCT l.flow_id, l.process_id, l.exec_id, l.object_id, left(l.text, 200) AS text
  FROM line AS l WHERE length(l.text) >= 6
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
  SELECT n.flow_id, n.process_id, n.exec_id, n.object_id, bool_or(contains(s.text, n.text)) AS seen
  FROM known AS n JOIN sent AS s ON s.flow_id = n.flow_id
  GROUP BY n.flow_id, n.process_id, n.exec_id, n.object_id
), called AS (  -- what it was called when it was read
  SELECT c.process_id, c.exec_id, c.object_id, list(tk_n.path ORDER BY tk_n.from_boot_ns DESC, tk_n.path)[1] AS path
  FROM candidate AS c JOIN object_name AS tk_n ON tk_n.object_id = c.object_id AND tk_n.from_boot_ns <= c.from_ns
  GROUP BY c.process_id, c.exec_id, c.object_id
), sent_bytes AS (
  SELECT k.flow_id, _bigint(sum(e.size_bytes)) AS size_bytes
  FROM sender AS k JOIN edge AS e ON e.process_id = k.process_id AND e.object_id = k.object_id AND NOT e.inward
  GROUP BY k.flow_id
)
SELECT f.wall_ns, coalesce(n.path, f.path) AS path, f.object_id, f.size_bytes AS read_bytes, f.process_id, tk_p.pid, coalesce(tk_c.command_line, tk_p.command_line) AS command_line, f.copied,
       f.passed_bytes, j.seen, _is_secret(f.path) AS secret,
       EXISTS (SELECT 1 FROM edge AS w WHERE w.object_id = f.object_id AND NOT w.inward AND w.from_ns < f.until_ns)
         AS made_here,
       f.flow_id, CASE WHEN tk_l.direction = 'inbound' THEN tk_l.source_ip ELSE tk_l.destination_ip END AS destination_ip,
       CASE WHEN tk_l.direction = 'inbound' THEN tk_l.source_port ELSE tk_l.destination_port END AS destination_port,
       b.size_bytes AS sent_bytes, tk_h.name AS host
FROM candidate AS f
JOIN _flow_seen AS tk_l ON tk_l.flow_id = f.flow_id
JOIN sent_bytes AS b ON b.flow_id = f.flow_id
LEFT JOIN judged AS j
  ON j.flow_id = f.flow_id AND j.process_id = f.process_id AND j.exec_id = f.exec_id AND j.object_id = f.object_id
LEFT JOIN called AS n ON n.process_id = f.process_id AND n.exec_id = f.exec_id AND n.object_id = f.object_id
LEFT JOIN process AS tk_p ON tk_p.process_id = f.process_id
LEFT JOIN program AS tk_c ON tk_c.exec_id = f.exec_id
LEFT JOIN host AS tk_h ON tk_h.host_id = f.host_id
WHERE f.copied OR NOT f.incidental
ORDER BY f.flow_id, f.copied DESC, j.seen DESC NULLS LAST, secret DESC, f.wall_ns, path, f.process_id;
