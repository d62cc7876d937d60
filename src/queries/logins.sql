-- SPDX-License-Identifier: Apache-2.0
-- question:  Who tried to log in, from where, under which names, and did it succeed?
-- reads:     sessions, _session_walk, process, io, _program_name, _visible, _logged_connection
-- column:    host         VARCHAR    name of the host
-- column:    session_id   BIGINT     the session; NULL: only logs tell of it
-- column:    wall_ns      BIGINT     when it began
-- column:    kind         VARCHAR    'ssh', 'telnet', 'login' (console) or 'remote' (wtmp, which does not say by what)
-- column:    source_ip    VARCHAR    who connected; NULL: none seen
-- column:    source_port  BIGINT     from which port
-- column:    succeeded    BOOLEAN    true: a program of the user was executed, or the rights of the user taken; of logs: they say so
-- column:    uid          BIGINT     who logged in; NULL: nobody, or logs tell a name only
-- column:    names        VARCHAR[]  tried, in the order of first use; empty: not captured, or none was given
-- column:    passwords    VARCHAR[]  tried, likewise
-- column:    end_wall_ns  BIGINT     end of the session; NULL: not seen
-- column:    methods      VARCHAR[]  tried, as logs name them: 'password', 'publickey' and so on
-- column:    keys         VARCHAR[]  type and fingerprint of the keys used, as logs have them
-- column:    sources      VARCHAR[]  who tells of it: 'events' of the host, 'syslog', 'journal', 'wtmp'
-- needs:     payload of sockets and terminals for names and passwords (profile honeypot)
-- costs:     the whole store
-- limits:    names and passwords are read from what the parts of sshd tell each other (OpenSSH with privilege
--            separation), or from what login read at a terminal, and from logs; of other servers they are not known.
--            A login of which both tell is one row: the same address and port within ten minutes (at the console, within
--            the session), on a host of the same name; where its own log
--            tells nothing of it, one by whose name nothing was recorded
-- source:    ENH-5, SBK-9; monitor_wire.h of OpenSSH
CREATE OR REPLACE VIEW logins AS
WITH door AS MATERIALIZED (
  SELECT s.* FROM sessions AS s WHERE s.logged_in IS NOT NULL
), asker AS MATERIALIZED (  -- the processes that ask who it is
  SELECT w.session_id, w.process_id, _program_name(p.executable) LIKE 'sshd%' AS ssh
  FROM _session_walk AS w JOIN door ON door.session_id = w.session_id
  JOIN process AS p ON p.process_id = w.process_id
  WHERE regexp_matches(_program_name(coalesce(p.executable, '')), '^sshd|^login$|getty$')
     OR w.process_id = w.session_id
), read_input AS (
  SELECT a.session_id, a.ssh, i.boot_ns, i.event_id, i.data, i.echo, i.canonical, hex(i.data) AS code,
         octet_length(i.data) AS size_bytes, lag(hex(i.data)) OVER stream AS before,
         lag(hex(i.data), 2) OVER stream AS before_that
  FROM io AS i JOIN asker AS a ON a.process_id = i.process_id
  WHERE i.direction = 'in' AND NOT i.pty_master AND octet_length(i.data) BETWEEN 1 AND 1024
  WINDOW stream AS (PARTITION BY i.process_id, i.object_id ORDER BY i.boot_ns, i.event_id)
), heard AS MATERIALIZED (
  -- The sender writes length and type, then the text. A quick reader gets the type alone, then the text.
  SELECT r.session_id, r.ssh, r.boot_ns, r.event_id, r.data, r.echo, r.canonical,
         CASE WHEN r.split THEN r.before || r.code ELSE r.code END AS code,
         r.size_bytes + r.split::INTEGER AS size_bytes
  FROM (SELECT *, coalesce(ssh AND length(before) = 2 AND before_that = format('{:08X}', size_bytes + 1), FALSE)
          AS split FROM read_input) AS r
), told AS (
  -- A message of the monitor: its type, then texts behind their length. 8: name, 12: password, 106: answer to PAM.
  SELECT h.session_id, h.boot_ns, h.event_id, substr(h.code, 1, 2) = '08' AS is_name,
         _visible(unhex(substr(h.code, 11))) AS text
  FROM heard AS h
  WHERE h.ssh AND substr(h.code, 1, 2) IN ('08', '0C') AND substr(h.code, 3, 8) = format('{:08X}', h.size_bytes - 5)
  UNION ALL
  SELECT h.session_id, h.boot_ns, h.event_id, FALSE, _visible(unhex(substr(h.code, 19)))
  FROM heard AS h
  WHERE h.ssh AND substr(h.code, 1, 10) = '6A00000001' AND h.size_bytes > 9
    AND substr(h.code, 11, 8) = format('{:08X}', h.size_bytes - 9)
  UNION ALL
  SELECT h.session_id, h.boot_ns, h.event_id, h.echo, regexp_replace(_visible(h.data), '(\\x0D|\\x0A)+$', '')
  FROM heard AS h WHERE NOT h.ssh AND h.canonical AND h.echo IS NOT NULL
), first_use AS (
  SELECT t.session_id, t.is_name, t.text, min((t.boot_ns, t.event_id)) AS at FROM told AS t
  WHERE t.text <> '' GROUP BY t.session_id, t.is_name, t.text
), tried AS (
  SELECT f.session_id, list(f.text ORDER BY f.at) FILTER (WHERE f.is_name) AS names,
         list(f.text ORDER BY f.at) FILTER (WHERE NOT f.is_name) AS passwords
  FROM first_use AS f GROUP BY f.session_id
), seen AS MATERIALIZED (
  SELECT s.*, t.names, t.passwords FROM door AS s LEFT JOIN tried AS t ON t.session_id = s.session_id
), logged AS MATERIALIZED (
  SELECT * FROM _logged_connection
), candidate AS (
  SELECT c.connection, s.session_id, abs(_minus(c.wall_ns, s.begin_wall_ns)) AS apart_ns, s.host = c.host AS exact
  FROM logged AS c JOIN seen AS s ON s.entry_source_ip = c.source_ip AND s.entry_source_port = c.source_port
  WHERE c.kind = 'ssh' AND (s.host = c.host OR c.host NOT IN (SELECT ss.host FROM seen AS ss))
  UNION ALL
  SELECT c.connection, s.session_id, abs(_minus(c.wall_ns, s.begin_wall_ns)), TRUE
  FROM logged AS c JOIN seen AS s ON s.host = c.host
  WHERE c.kind = 'login' AND s.kind = 'login' AND c.wall_ns >= s.begin_wall_ns AND (s.end_wall_ns IS NULL OR c.wall_ns <= s.end_wall_ns)
), near AS MATERIALIZED (
  SELECT d.* FROM candidate AS d JOIN seen AS s ON s.session_id = d.session_id
  WHERE s.kind = 'login' OR d.apart_ns <= 600000000000
), same AS MATERIALIZED (
  SELECT d.connection, arg_min(d.session_id, d.apart_ns) AS session_id FROM near AS d
  WHERE d.exact OR d.session_id NOT IN (SELECT n.session_id FROM near AS n WHERE n.exact)
  GROUP BY d.connection
), also AS (  -- what logs tell of a session
  SELECT m.session_id, flatten(list(c.names ORDER BY c.wall_ns)) AS names, flatten(list(c.methods ORDER BY c.wall_ns)) AS methods,
         flatten(list(c.keys ORDER BY c.wall_ns)) AS keys, list_sort(list_distinct(flatten(list(c.sources)))) AS sources
  FROM same AS m JOIN logged AS c ON c.connection = m.connection GROUP BY m.session_id
)
SELECT r.* FROM (
  SELECT s.host, s.session_id, s.begin_wall_ns AS wall_ns, s.kind, s.entry_source_ip AS source_ip,
         s.entry_source_port AS source_port, s.logged_in AS succeeded, s.uid,
         coalesce(s.names, a.names, []) AS names, coalesce(s.passwords, []) AS passwords, s.end_wall_ns,
         coalesce(a.methods, []) AS methods, coalesce(a.keys, []) AS keys,
         list_concat(['events'], coalesce(a.sources, [])) AS sources
  FROM seen AS s LEFT JOIN also AS a ON a.session_id = s.session_id
  UNION ALL
  SELECT c.host, NULL, c.wall_ns, c.kind, c.source_ip, c.source_port, c.succeeded,
         CASE WHEN c.name IN ('root', 'ROOT') THEN 0 END, c.names, [], c.end_wall_ns, c.methods, c.keys, c.sources
  FROM logged AS c WHERE c.connection NOT IN (SELECT m.connection FROM same AS m)
) AS r
ORDER BY r.wall_ns, r.session_id, r.host, r.source_ip, r.source_port;
