-- SPDX-License-Identifier: Apache-2.0
-- question:  What was typed or sent to which program, line by line, as Sebek showed it?
-- reads:     io, event, object, process, exec, host, sessions, _session_walk, _processes_of, _is_shell, _keys, _edited, _moment
-- parameter: process  process  the top of a tree; none: not by tree  [default]
-- parameter: session  session  a session; none: not by session  [default]
-- parameter: start    time     begin of the span; none: the first record  [default]
-- parameter: end      time     end of the span; none: the last record  [default]
-- parameter: keys     integer  1: what was typed only: read from a terminal, or by a shell from its descriptor 0  [default]
-- column:    wall_ns      BIGINT     first byte
-- column:    host         VARCHAR    name of the host
-- column:    address      VARCHAR    who is behind it: where the session came from; NULL: not seen
-- column:    pid          BIGINT     number of the process
-- column:    uid          BIGINT     real user then
-- column:    command      VARCHAR    its program then
-- column:    fd           BIGINT     the descriptor read from
-- column:    data         VARCHAR    the lines, each behind its time (UTC); control characters by name; 'not echoed': the terminal did not show it
-- column:    edited       VARCHAR[]  the lines as they were after corrections, without those of which the keys do not tell (completion, history)
-- column:    size_bytes   BIGINT     read
-- column:    process_id   BIGINT     the process
-- column:    object_id    BIGINT     the terminal, socket, pipe
-- column:    path         VARCHAR    its name
-- column:    end_wall_ns  BIGINT     last byte
-- needs:     payload of what is read (profile honeypot); without it there are no rows
-- limits:    lines of one program on one descriptor are one row until ten minutes pass without any; as much of
--            each read as was captured; how a line was completed or recalled shows spoor replay; where the source does
--            not tell what a descriptor is (Sebek), reads of at most 128 bytes, with keys those of descriptor 0
-- source:    SBK-1, SBK-6, SBK-7: the keystroke view of Sebek and Walleye
CREATE OR REPLACE MACRO keystrokes(process := NULL, session := NULL, "start" := NULL, "end" := NULL, keys := 0) AS TABLE
WITH ks_read AS MATERIALIZED (
  SELECT i.process_id, i.object_id, i.fd, i.event_id, i.boot_ns, i.wall_ns, i.size_bytes, i.data, i.host_id,
         o.path, coalesce(NOT i.echo AND i.canonical, FALSE) AS hidden, e.uid,
         regexp_matches(hex(i.data), '(0D|0A)$') AS ends
  FROM io AS i JOIN object AS o ON o.object_id = i.object_id
  JOIN event AS e ON e.event_id = i.event_id AND e.process_id = i.process_id
  WHERE i.direction = 'in' AND NOT i.pty_master AND i.data IS NOT NULL AND octet_length(i.data) > 0
    AND (o.type IN ('pty', 'tty', 'socket', 'pipe') OR (o.type = 'unknown' AND i.size_bytes <= 128))
    AND i.process_id IN (SELECT kp.process_id FROM _processes_of(process := process, session := session) AS kp)
    AND (keys = 0 OR o.type IN ('pty', 'tty') OR (o.type = 'unknown' AND i.fd = 0)
         OR (i.fd = 0 AND i.process_id IN (SELECT x.process_id FROM exec AS x WHERE _is_shell(x.executable))))
    AND ("start" IS NULL OR i.wall_ns >= _moment("start")) AND ("end" IS NULL OR i.wall_ns <= _moment("end"))
), ks_program AS (  -- the program that the process was then
  SELECT r.*, x.executable, coalesce(x.event_id, 0) AS exec_id
  FROM ks_read AS r ASOF LEFT JOIN (SELECT xx.* FROM exec AS xx WHERE xx.result = 0) AS x
    ON x.process_id = r.process_id AND x.boot_ns <= r.boot_ns
), ks_numbered AS (
  SELECT p.*,
         coalesce(sum(CASE WHEN p.ends THEN 1 ELSE 0 END) OVER (
           PARTITION BY p.process_id, p.exec_id, p.fd, p.object_id ORDER BY p.boot_ns, p.event_id
           ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS line
  FROM ks_program AS p
), ks_line AS (
  SELECT n.process_id, n.exec_id, n.fd, n.object_id, n.line, min(n.boot_ns) AS boot_ns, min(n.wall_ns) AS wall_ns,
         max(n.wall_ns) AS end_wall_ns, any_value(n.host_id) AS host_id, any_value(n.path) AS path,
         any_value(n.executable) AS executable, arg_min(n.uid, n.boot_ns) AS uid,
         _bigint(sum(n.size_bytes)) AS size_bytes, bool_or(n.hidden) AS hidden,
         unhex(string_agg(hex(n.data), '' ORDER BY n.boot_ns, n.event_id)) AS data
  FROM ks_numbered AS n GROUP BY n.process_id, n.exec_id, n.fd, n.object_id, n.line
), ks_begun AS (
  SELECT l.*, coalesce(_minus(l.wall_ns, lag(l.end_wall_ns) OVER by_reader) > 600000000000, TRUE) AS begins
  FROM ks_line AS l
  WINDOW by_reader AS (PARTITION BY l.process_id, l.exec_id, l.fd, l.object_id ORDER BY l.line)
), ks_row AS (
  SELECT b.*, sum(CASE WHEN b.begins THEN 1 ELSE 0 END) OVER (
           PARTITION BY b.process_id, b.exec_id, b.fd, b.object_id ORDER BY b.line) AS part
  FROM ks_begun AS b
)
SELECT min(k.wall_ns) AS wall_ns, any_value(h.name) AS host, any_value(s.entry_source_ip) AS address,
       any_value(p.pid) AS pid, arg_min(k.uid, k.line) AS uid, any_value(coalesce(k.executable, p.name)) AS command,
       k.fd, string_agg('[' || strftime(make_timestamp_ns(k.wall_ns), '%H:%M:%S') || '] '
                        || CASE WHEN k.hidden THEN '(not echoed) ' ELSE '' END || _keys(k.data), ' ' ORDER BY k.line) AS data,
       coalesce(list(_edited(k.data) ORDER BY k.line) FILTER (WHERE _edited(k.data) IS NOT NULL), []) AS edited,
       _bigint(sum(k.size_bytes)) AS size_bytes, k.process_id, k.object_id, any_value(k.path) AS path,
       max(k.end_wall_ns) AS end_wall_ns
FROM ks_row AS k
LEFT JOIN process AS p ON p.process_id = k.process_id
LEFT JOIN host AS h ON h.host_id = k.host_id
LEFT JOIN _session_walk AS w ON w.process_id = k.process_id
LEFT JOIN sessions AS s ON s.session_id = w.session_id
GROUP BY k.process_id, k.exec_id, k.fd, k.object_id, k.part
ORDER BY wall_ns, k.process_id, k.fd;
