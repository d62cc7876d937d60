-- SPDX-License-Identifier: Apache-2.0
-- question:  Which programs and scripts that these processes changed were executed, and which modules and libraries loaded, afterwards by others?
-- reads:     event, event_by_object, exec, object, process, _processes_of, _scripts_run, _program_name
-- parameter: process  process  the top of a tree; none: not by tree  [default]
-- parameter: session  session  a session; none: not by session  [default]
-- column:    object_id           BIGINT   the program or script
-- column:    path                VARCHAR  its name as it was executed or opened
-- column:    changed_process_id  BIGINT   who of these processes changed it last before
-- column:    changed_boot_ns     BIGINT   when that ended
-- column:    changed_wall_ns     BIGINT   when
-- column:    how                 VARCHAR  'executed'; 'loaded': opened for reading by an interpreter of such files, or a library by what does not only look at files
-- column:    event_id            BIGINT   the exec, or the open
-- column:    process_id          BIGINT   who did
-- column:    boot_ns             BIGINT   when
-- column:    wall_ns             BIGINT   when
-- column:    uid                 BIGINT   real user, after an exec
-- column:    euid                BIGINT   effective user, likewise
-- column:    command_line        VARCHAR  arguments of who did
-- limits:    what is loaded is told by its name (.py, .php, .so …) and by that of the program that opened it; a
--            shell loads what it opens and is no argument of it, also where it only reads it as a file
-- source:    ATT&CK T1554, T1053
CREATE OR REPLACE MACRO _run_afterwards(process := NULL, session := NULL) AS TABLE
WITH subject AS MATERIALIZED (
  SELECT ra_s.process_id FROM _processes_of(process := process, session := session) AS ra_s
), change AS MATERIALIZED (
  SELECT ra_e.object_id, ra_e.process_id, ra_e.end_boot_ns, ra_e.wall_ns
  FROM event AS ra_e JOIN object AS ra_o ON ra_o.object_id = ra_e.object_id
  WHERE ra_e.process_id IN (SELECT subject.process_id FROM subject) AND ra_e.result >= 0 AND NOT ra_e.baseline
    AND (ra_e.kind IN ('truncate', 'rename', 'link', 'chmod') OR (ra_e.kind = 'write' AND ra_e.size_bytes > 0))
    AND ra_o.type IN ('file', 'memfd')
), use AS MATERIALIZED (
  SELECT ra_b.event_id, ra_b.process_id, ra_b.object_id, ra_b.path, ra_b.boot_ns, ra_b.wall_ns, ra_b.uid, ra_b.euid,
         (coalesce(ra_b.flags, 0) & 3) = 0 AS reads
  FROM event_by_object AS ra_b
  WHERE ra_b.kind = 'open' AND ra_b.result >= 0 AND NOT ra_b.baseline
    AND ra_b.object_id IN (SELECT change.object_id FROM change)
    AND ra_b.process_id NOT IN (SELECT subject.process_id FROM subject)
), program AS (
  SELECT ra_x.event_id, ra_x.process_id, ra_x.boot_ns, ra_x.executable, ra_x.command_line FROM exec AS ra_x
  WHERE ra_x.result = 0 AND ra_x.process_id IN (SELECT use.process_id FROM use)
), script AS MATERIALIZED (
  SELECT s.event_id, s.process_id, s.object_id, s.path
  FROM _scripts_run((SELECT list(DISTINCT use.process_id) FROM use)) AS s
  WHERE s.object_id IN (SELECT change.object_id FROM change)
), reader AS (
  SELECT u.*, coalesce(x.executable, ra_p.executable) AS executable,
         coalesce(x.command_line, ra_p.command_line) AS command_line
  FROM use AS u ASOF LEFT JOIN program AS x ON x.process_id = u.process_id AND x.boot_ns <= u.boot_ns
  LEFT JOIN process AS ra_p ON ra_p.process_id = u.process_id
  WHERE u.reads AND (u.process_id, u.object_id) NOT IN (SELECT (s.process_id, s.object_id) FROM script AS s)
), ran AS (
  SELECT s.event_id, s.object_id, s.path FROM script AS s
  UNION
  SELECT ra_x.event_id, ra_x.object_id, ra_x.executable FROM exec AS ra_x
  WHERE ra_x.result = 0 AND ra_x.object_id IN (SELECT change.object_id FROM change)
    AND ra_x.process_id NOT IN (SELECT subject.process_id FROM subject)
), run AS (
  SELECT r.object_id, r.path, 'executed' AS how, r.event_id, ra_x.process_id, ra_x.boot_ns, ra_x.wall_ns, ra_x.uid,
         ra_x.euid, ra_x.command_line
  FROM ran AS r JOIN exec AS ra_x ON ra_x.event_id = r.event_id
  UNION ALL
  SELECT d.object_id, d.path, 'loaded', d.event_id, d.process_id, d.boot_ns, d.wall_ns, d.uid, d.euid, d.command_line
  FROM reader AS d
  WHERE CASE WHEN regexp_matches(d.path, '\.so(\.[0-9.]+)?$')
               THEN NOT regexp_matches(_program_name(d.executable), '^(cp|mv|cat|tar|rsync|scp|sftp-server|[a-z0-9]+sum|file|strings|objdump|readelf|nm|ldconfig(\.real)?|dpkg.*|rpm|find|e?grep|less|more|head|tail|xxd|hexdump|od|install|strip|gcc|cc1|ld(\.[a-z]+)?|as|collect2|clang.*|clamscan|diff|cmp|wc|stat|zip|gzip|openssl|curl|wget|vim?|nano|bash|dash|sh)$')
             WHEN regexp_matches(d.path, '\.py[co]?$|\.pth$') THEN regexp_matches(_program_name(d.executable), '^(python|pypy|uwsgi|gunicorn|celery)')
             WHEN regexp_matches(d.path, '\.p[lm]$') THEN regexp_matches(_program_name(d.executable), '^perl')
             WHEN regexp_matches(d.path, '\.rb$') THEN regexp_matches(_program_name(d.executable), '^(ruby|puma|unicorn|passenger)')
             WHEN regexp_matches(d.path, '\.([mc]?js|json)$') THEN regexp_matches(_program_name(d.executable), '^node')
             WHEN regexp_matches(d.path, '\.(php[0-9]?|phtml|inc)$') THEN regexp_matches(_program_name(d.executable), '^(php|apache2|httpd)')
             WHEN regexp_matches(d.path, '\.(jar|class|war|jsp)$') THEN regexp_matches(_program_name(d.executable), '^java$')
             ELSE regexp_matches(_program_name(d.executable), '^(sh|bash|rbash|dash|ash|zsh|ksh|mksh)$')
               AND NOT regexp_matches(d.path, '_history$|^/(dev|proc|sys)/')
        END
)
SELECT r.object_id, r.path, c.process_id AS changed_process_id, c.end_boot_ns AS changed_boot_ns,
       c.wall_ns AS changed_wall_ns, r.how, r.event_id, r.process_id, r.boot_ns, r.wall_ns, r.uid, r.euid, r.command_line
FROM run AS r ASOF JOIN change AS c ON c.object_id = r.object_id AND c.end_boot_ns <= r.boot_ns;
