-- SPDX-License-Identifier: Apache-2.0
-- question:  What happened in this session, in the order of time, in words?
-- reads:     event, exec, credential_change, object, socket, process, host, sessions, _session_walk, _is_canary, _moment
-- parameter: session  session  the session
-- parameter: start    time     begin of the span; none: the first record  [default]
-- parameter: end      time     end of the span; none: the last record  [default]
-- column:    wall_ns     BIGINT   end of the (last merged) call
-- column:    process_id  BIGINT   who
-- column:    pid         BIGINT   its number in the initial pid namespace
-- column:    name        VARCHAR  its last known command name
-- column:    euid        BIGINT   effective user at the call
-- column:    kind        VARCHAR  kind of event; 'summary': of the whole session, the first row; 'loaded': libraries and texts that a program opened and read to begin with
-- column:    text        VARCHAR  what it did
-- column:    object_id   BIGINT   to what
-- column:    other_process_id  BIGINT   fork: the child; signal: who got it
-- column:    event_id    BIGINT   the event; NULL: summary
-- column:    host        VARCHAR  name of the host
-- limits:    as sessions; I/O is as merged as it was recorded
-- source:    Forensix Query 2 and 3 (FX-23, FX-24)
CREATE OR REPLACE MACRO session_activity(session, "start" := NULL, "end" := NULL) AS TABLE
WITH sa_act AS MATERIALIZED (
SELECT sa.wall_ns, sa.process_id, sap.pid, sap.name, sa.euid, sa.kind,
       CASE
         WHEN sa.kind = 'fork' THEN 'created process ' || coalesce(sa_other.pid::VARCHAR, '?')
         WHEN sa.kind = 'exec' THEN 'executed ' || coalesce(sax.executable, sa.path, '?')
           || CASE WHEN (coalesce(sa.flags, 0) & 1) <> 0 THEN ', which had been deleted' ELSE '' END
           || coalesce(': ' || sax.command_line, '')
         WHEN sa.kind = 'exit' THEN 'ended'
         WHEN sa.kind = 'credential_change' THEN 'user changed from '
           || coalesce(sac.before_uid::VARCHAR, '?') || '/' || coalesce(sac.before_euid::VARCHAR, '?')
           || ' to ' || coalesce(sac.uid::VARCHAR, '?') || '/' || coalesce(sac.euid::VARCHAR, '?')
           || ' (real/effective): ' || coalesce(sac.syscall, sac.cause, '')
         WHEN sa.kind = 'open' THEN 'opened ' || coalesce(sa.path, sao.path, '?')
           || CASE coalesce(sa.flags, 0) & 3 WHEN 0 THEN ' for reading' WHEN 1 THEN ' for writing'
              ELSE ' for reading and writing' END
           || CASE WHEN sa.result >= 0 THEN ' as descriptor ' || coalesce(sa.fd::VARCHAR, '?') ELSE '' END
         WHEN sa.kind IN ('read', 'recv') THEN 'read ' || coalesce(sa.size_bytes, 0) || ' bytes from '
           || coalesce(sa.path, sao.path, sas.remote_ip || ':' || sas.remote_port, sao.type, '?')
           || coalesce(' (descriptor ' || sa.fd || ')', '')
         WHEN sa.kind IN ('write', 'send') THEN 'wrote ' || coalesce(sa.size_bytes, 0) || ' bytes to '
           || coalesce(sa.path, sao.path, sas.remote_ip || ':' || sas.remote_port, sao.type, '?')
           || coalesce(' (descriptor ' || sa.fd || ')', '')
         WHEN sa.kind = 'dup' THEN 'made descriptor ' || coalesce(sa.other_fd::VARCHAR, '?')
           || ' the same as ' || coalesce(sa.fd::VARCHAR, '?')
         WHEN sa.kind = 'close' THEN 'closed descriptor ' || coalesce(sa.fd::VARCHAR, '?')
         WHEN sa.kind = 'unlink' THEN 'deleted ' || coalesce(sa.path, '?')
         WHEN sa.kind = 'rename' THEN 'renamed ' || coalesce(sa.path, '?') || ' to ' || coalesce(sa.other_path, '?')
         WHEN sa.kind = 'link' THEN 'linked ' || coalesce(sa.path, '?') || ' as ' || coalesce(sa.other_path, '?')
         WHEN sa.kind = 'symlink' THEN 'made ' || coalesce(sa.path, '?') || ' point to ' || coalesce(sa.other_path, '?')
         WHEN sa.kind = 'chmod' THEN 'set the mode of ' || coalesce(sa.path, sao.path, '?')
           || coalesce(format(' to {:o}', sa.value & 4095), '')
         WHEN sa.kind = 'chown' THEN 'set the owner of ' || coalesce(sa.path, sao.path, '?')
           || coalesce(' to ' || (sa.value >> 32) || ':' || (sa.value & 4294967295), '')
         WHEN sa.kind = 'truncate' THEN 'truncated ' || coalesce(sa.path, sao.path, '?')
           || coalesce(' to ' || sa.value || ' bytes', '')
         WHEN sa.kind = 'chdir' THEN 'went to ' || coalesce(sa.path, '?')
         WHEN sa.kind IN ('connect', 'accept') THEN
           CASE sa.kind WHEN 'connect' THEN 'connected to ' ELSE 'accepted a connection from ' END
           || coalesce(nullif(sas.remote_ip, '') || ':' || sas.remote_port, nullif(sas.unix_path, ''), sa.path, '?')
         WHEN sa.kind IN ('bind', 'listen') THEN
           CASE sa.kind WHEN 'bind' THEN 'took the address ' ELSE 'listened on ' END
           || coalesce(nullif(sas.local_ip, '') || ':' || sas.local_port, nullif(sas.unix_path, ''), sa.path, '?')
         WHEN sa.kind = 'signal' THEN 'sent signal ' || coalesce(sa.value::VARCHAR, '?') || ' to process '
           || coalesce(sa_other.pid::VARCHAR, '?')
         WHEN sa.kind = 'set_attribute' THEN 'set ' || coalesce(sa.other_path, 'an attribute') || ' of '
           || coalesce(sa.path, sao.path, '?')
         WHEN sa.kind = 'mount' THEN 'mounted ' || coalesce(sa.other_path || ' ', '') || 'at, or unmounted, '
           || coalesce(sa.path, sao.path, '?')
         WHEN sa.kind = 'set_name' THEN 'called itself ' || coalesce(sa.path, '?')
         WHEN sa.kind = 'setsid' THEN 'began a process session of its own'
         ELSE sa.kind || coalesce(' ' || coalesce(sa.path, sao.path), '')
       END || CASE WHEN sa.count > 1 THEN ' in ' || sa.count || ' calls' ELSE '' END
         || CASE WHEN sa.result < 0 THEN ' (refused: error ' || _minus(0, sa.result) || ')' ELSE '' END AS text,
       sa.object_id, sa.other_process_id, sa.event_id, sa.end_boot_ns, sa.fd, sa.result,
       sa.kind IN ('open', 'read') AND coalesce(regexp_matches(coalesce(sa.path, sao.path),
         '^/etc/(ld\.so\.(cache|preload)|locale\.alias|localtime)$|^(/usr)?/lib(64|32)?/.*\.so(\.[0-9.]+)?$|^/usr/(lib|share)/locale/|/gconv-modules\.cache$|/locale-archive$'), FALSE) AS loads
FROM event AS sa
JOIN _session_walk AS saw ON saw.process_id = sa.process_id
LEFT JOIN process AS sap ON sap.process_id = sa.process_id
LEFT JOIN object AS sao ON sao.object_id = sa.object_id
LEFT JOIN socket AS sas ON sas.object_id = sa.object_id
LEFT JOIN process AS sa_other ON sa_other.process_id = sa.other_process_id
LEFT JOIN exec AS sax ON sax.event_id = sa.event_id
LEFT JOIN credential_change AS sac ON sac.event_id = sa.event_id
WHERE saw.session_id = session
  AND NOT _is_canary(coalesce(sa.path, sas.unix_path), sa.result)
  AND ("start" IS NULL OR sa.wall_ns >= _moment("start"))
  AND ("end" IS NULL OR _minus(sa.wall_ns, _minus(sa.end_boot_ns, sa.boot_ns)) <= _moment("end"))
), sa_shown AS (  -- the close of what was loaded goes with it
  SELECT a.*, a.loads OR (a.kind = 'close' AND coalesce(last_value(
           CASE WHEN a.kind IN ('open', 'dup') AND a.result >= 0 THEN a.loads END IGNORE NULLS) OVER (
             PARTITION BY a.process_id, a.fd ORDER BY a.end_boot_ns, a.event_id
             ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW), FALSE)) AS folded
  FROM sa_act AS a
), sa_line AS (
  SELECT a.wall_ns, a.process_id, a.pid, a.name, a.euid, a.kind, a.text, a.object_id, a.other_process_id, a.event_id, a.end_boot_ns
  FROM sa_shown AS a WHERE NOT a.folded
  UNION ALL
  SELECT min(a.wall_ns), a.process_id, any_value(a.pid), any_value(a.name), arg_min(a.euid, a.event_id), 'loaded',
         'loaded ' || count(DISTINCT a.object_id) FILTER (WHERE a.result >= 0)
           || ' libraries and texts that programs begin with',
         NULL, NULL, min(a.event_id), min(a.end_boot_ns)
  FROM sa_shown AS a WHERE a.folded GROUP BY a.process_id
  UNION ALL
  SELECT ss.begin_wall_ns, ss.session_id, sr.pid, sr.name, sr.euid, 'summary',
         ss.kind || ' session' || coalesce(' of uid ' || ss.uid, '')
           || coalesce(' from ' || ss.entry_source_ip || ' port ' || ss.entry_source_port, '')
           || CASE ss.logged_in WHEN FALSE THEN ', nobody logged in' ELSE '' END || ': '
           || ss.processes || ' processes executed '
           || (SELECT count(*) || ' programs, ' || count(*) FILTER (WHERE ex.euid = 0) || ' as root' FROM exec AS ex
               JOIN _session_walk AS ew ON ew.process_id = ex.process_id
               WHERE ew.session_id = session AND ex.result = 0) || '; '
           || (SELECT count(DISTINCT a.object_id) FILTER (WHERE a.kind = 'write') || ' things written to, '
                      || count(*) FILTER (WHERE a.kind = 'unlink') || ' names deleted, '
                      || count(*) FILTER (WHERE a.kind = 'connect') || ' calls to connect'
               FROM sa_act AS a),
         NULL, NULL, NULL, -1
  FROM sessions AS ss JOIN process AS sr ON sr.process_id = ss.session_id WHERE ss.session_id = session
)
SELECT l.wall_ns, l.process_id, l.pid, l.name, l.euid, l.kind, l.text, l.object_id, l.other_process_id, l.event_id,
       lh.name AS host
FROM sa_line AS l LEFT JOIN process AS lp ON lp.process_id = l.process_id
LEFT JOIN host AS lh ON lh.host_id = lp.host_id
ORDER BY l.end_boot_ns, l.event_id;
