-- SPDX-License-Identifier: Apache-2.0
-- question:  When did a process that was not root become root, by what, and what had it read before?
-- reads:     _root_change, process, exec, host, _session_walk, _last_input, _last_files
-- column:    event_id              BIGINT   the event
-- column:    wall_ns               BIGINT   when
-- column:    process_id            BIGINT   the process
-- column:    pid                   BIGINT   its number in the initial pid namespace
-- column:    session_id            BIGINT   its session; NULL: none
-- column:    before_uid            BIGINT   real user before
-- column:    before_euid           BIGINT   effective user before; NULL: not known
-- column:    uid                   BIGINT   real user after
-- column:    euid                  BIGINT   effective user after: 0
-- column:    cause                 VARCHAR  'setuid_exec', 'setuid_program' (that executed nothing else as root: a su that was refused, a ping), 'exec', 'call', 'unexplained'
-- column:    executable            VARCHAR  the program: of a setuid program, that one
-- column:    command_line          VARCHAR  its arguments then; NULL: not known
-- column:    explanation           VARCHAR  the cause in words
-- column:    input_process_id      BIGINT   who last read from a terminal, socket or pipe before: it or an ancestor in the session
-- column:    input_path            VARCHAR  from what
-- column:    input_wall_ns         BIGINT   when
-- column:    input_text            VARCHAR  the last of that input, as far as captured
-- column:    programs              BIGINT   programs executed as root afterwards, by it or below it
-- column:    host                  VARCHAR  name of the host
-- column:    program_object_id     BIGINT   file of that program; NULL: not known
-- column:    boot_ns               BIGINT   when, by the clock of the host since it was started
-- column:    files_process_id      BIGINT   who last read files before: it or an ancestor in the session
-- column:    files_read            VARCHAR[]  the files that one had read last, the last first; none: []
-- costs:     the whole store
-- limits:    a process that was root when it was first seen has no transition; capabilities gained without uid 0
--            are in credential_change; processes that took back rights they had kept are in root_regained
-- source:    D9, HF-10
CREATE OR REPLACE VIEW root_transitions AS
WITH change AS MATERIALIZED (
  SELECT r.* FROM _root_change AS r WHERE r.why <> 'regained'
), program AS (  -- the program executed in the same moment, or last before
  SELECT c.event_id, arg_max(x.executable, x.boot_ns) AS executable,
         arg_max(x.command_line, x.boot_ns) AS command_line, arg_max(x.mode, x.boot_ns) AS mode,
         arg_max(x.object_id, x.boot_ns) AS object_id
  FROM change AS c JOIN exec AS x ON x.process_id = c.process_id
  WHERE x.result = 0 AND x.boot_ns <= c.boot_ns GROUP BY c.event_id
), input AS MATERIALIZED (
  SELECT * FROM _last_input((
    SELECT list({'key': c.event_id, 'process_id': c.process_id, 'boot_ns': c.boot_ns}) FROM change AS c))
), files AS MATERIALIZED (
  SELECT * FROM _last_files((
    SELECT list({'key': c.event_id, 'process_id': c.process_id, 'boot_ns': c.boot_ns}) FROM change AS c))
)
SELECT c.event_id, c.wall_ns, c.process_id, p.pid, w.session_id, c.before_uid, c.before_euid, c.uid,
       c.euid, c.why AS cause, coalesce(x.executable, c.executable, p.executable) AS executable,
       x.command_line,
       CASE c.why
         WHEN 'setuid_exec' THEN 'executed ' || coalesce(x.executable, c.executable, 'a program')
           || ', which is setuid root' || coalesce(format(' (mode {:o})', x.mode & 4095), '')
         WHEN 'setuid_program' THEN 'executed ' || coalesce(x.executable, c.executable, 'a program')
           || ', which is setuid root' || coalesce(format(' (mode {:o})', x.mode & 4095), '')
           || ' and executed nothing else as root'
         WHEN 'exec' THEN 'executed ' || coalesce(x.executable, c.executable, 'a program')
         WHEN 'call' THEN 'called ' || coalesce(c.syscall, 'a set-user call')
           || ', which the kernel allowed (saved user or capability)'
         ELSE 'the credentials changed without a call that explains it: an exploited kernel, or a lost record'
       END AS explanation,
       i.process_id AS input_process_id, i.path AS input_path, i.wall_ns AS input_wall_ns,
       i.text AS input_text, c.programs, h.name AS host,
       x.object_id AS program_object_id, c.boot_ns, f.process_id AS files_process_id,
       coalesce(f.paths, []) AS files_read
FROM change AS c
LEFT JOIN process AS p ON p.process_id = c.process_id
LEFT JOIN host AS h ON h.host_id = p.host_id
LEFT JOIN program AS x ON x.event_id = c.event_id
LEFT JOIN _session_walk AS w ON w.process_id = c.process_id
LEFT JOIN input AS i ON i.key = c.event_id
LEFT JOIN files AS f ON f.key = c.event_id
ORDER BY c.wall_ns, c.event_id;
