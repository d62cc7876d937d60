-- SPDX-License-Identifier: Apache-2.0
-- question:  Which traces were removed: logs emptied, replaced or deleted, times of files set back, own files deleted again?
-- reads:     event, exec, process, host, object_name, _processes_of, _is_log, _program_name
-- narrows:   tree
-- parameter: process  process  the top of a tree; none: not by tree  [default]
-- parameter: session  session  a session; none: not by session  [default]
-- column:    wall_ns       BIGINT   when it was done last
-- column:    means         VARCHAR  'log', 'login record', 'shell history'; 'times'; 'own file'
-- column:    path          VARCHAR  the file
-- column:    object_id     BIGINT   its id; NULL: known by name only
-- column:    known_as      VARCHAR  what it was called first, where that is another name
-- column:    how           VARCHAR  'emptied', 'cut', 'replaced', 'deleted', 'moved away', 'linked elsewhere', 'times set'
-- column:    set_wall_ns   BIGINT   times set: the new time of its last change
-- column:    process_id    BIGINT   who did
-- column:    pid           BIGINT   its number in the initial pid namespace
-- column:    command_line  VARCHAR  its arguments then, as far as known
-- column:    host          VARCHAR  name of the host
-- limits:    what was written over inside a log without emptying it is in files_written. Times are here where they
--            were set to more than a minute before, by a program that does not unpack or copy. An own file is one
--            that these processes wrote, and executed or wiped. What turns logs by its work is left out
-- source:    ATT&CK T1070
CREATE OR REPLACE MACRO traces_removed(process := NULL, session := NULL) AS TABLE
WITH subject AS MATERIALIZED (
  SELECT tr_s.process_id FROM _processes_of(process := process, session := session) AS tr_s
), done AS MATERIALIZED (
  SELECT tr_e.* FROM event AS tr_e
  WHERE tr_e.process_id IN (SELECT subject.process_id FROM subject) AND NOT tr_e.baseline AND tr_e.result >= 0
    AND tr_e.kind IN ('unlink', 'rename', 'truncate', 'open', 'symlink', 'set_attribute')
), program AS MATERIALIZED (
  SELECT tr_x.process_id, tr_x.boot_ns, tr_x.executable, tr_x.command_line FROM exec AS tr_x
  WHERE tr_x.result = 0 AND tr_x.process_id IN (SELECT subject.process_id FROM subject)
), deed AS (
  SELECT d.*, d.path AS name, d.object_id AS file_id,
         CASE d.kind WHEN 'unlink' THEN 'deleted' WHEN 'rename' THEN CASE WHEN _is_log(d.other_path) IS NULL THEN 'moved away' END WHEN 'symlink' THEN 'linked elsewhere'
           WHEN 'truncate' THEN CASE WHEN d."value" = 0 THEN 'emptied' ELSE 'cut' END
           WHEN 'open' THEN 'emptied' ELSE 'times set' END AS how
  FROM done AS d
  WHERE CASE d.kind WHEN 'open' THEN (coalesce(d.flags, 0) & 512) <> 0  -- O_TRUNC, of what was there before
                      AND ((d.flags & 64) = 0 OR (d.flags & 1610612736) = 536870912)
                    WHEN 'set_attribute' THEN d.other_path = 'times' AND d."value" > 0
                      AND d."value" < d.wall_ns // 1000000000 - 60
                    ELSE TRUE END
  UNION ALL
  SELECT d.*, d.other_path, d.other_object_id, 'replaced' FROM done AS d
  WHERE d.kind = 'rename' AND d.other_object_id IS NOT NULL AND d.other_object_id IS DISTINCT FROM d.object_id
    AND (coalesce(d.flags, 0) & 2) = 0
), own AS (  -- written by these processes, and executed or wiped
  SELECT tr_w.object_id FROM event AS tr_w
  WHERE tr_w.process_id IN (SELECT subject.process_id FROM subject) AND tr_w.kind = 'write' AND tr_w.size_bytes > 0
    AND tr_w.object_id IN (SELECT d.object_id FROM deed AS d WHERE d.how = 'deleted')
  GROUP BY tr_w.object_id
), ran AS (
  SELECT DISTINCT tr_x.object_id FROM exec AS tr_x
  WHERE tr_x.result = 0 AND tr_x.process_id IN (SELECT subject.process_id FROM subject)
), judged AS (
  SELECT d.event_id, d.host_id, d.process_id, d.wall_ns, d.name, d.file_id, d.how, d."value", x.command_line,
         CASE WHEN d.how = 'times set' THEN CASE WHEN coalesce(regexp_matches(_program_name(x.executable),
                    '^(tar|bsdtar|cpio|dpkg|dpkg-deb|rpm|apk|apt|apt-get|cp|mv|install|rsync|scp|sftp-server|unzip|7z.*|g?zip|gunzip|xz|bzip2|zstd|git|sed|perl)$'), FALSE)
                  THEN NULL ELSE 'times' END
              WHEN d.how IS NOT NULL AND _is_log(d.name) IS NOT NULL THEN
                CASE WHEN d.how = 'linked elsewhere' AND _is_log(d.name) <> 'shell history'
                       OR coalesce(regexp_matches(_program_name(x.executable), '^(logrotate|savelog|rsyslogd|syslog-ng|systemd-journald|agetty|getty)$'), FALSE)
                       OR (_is_log(d.name) = 'shell history' AND d.how <> 'linked elsewhere'
                           AND coalesce(regexp_matches(_program_name(x.executable), '^(bash|zsh|fish|less|vim?|nvim)$'), FALSE)
                           AND d.how IN ('moved away', 'replaced'))
                     THEN NULL ELSE _is_log(d.name) END
              WHEN d.how = 'deleted' AND d.file_id IN (SELECT own.object_id FROM own)
                AND (d.file_id IN (SELECT ran.object_id FROM ran)
                     OR coalesce(_program_name(x.executable) IN ('shred', 'srm', 'wipe', 'secure-delete'), FALSE))
                THEN 'own file' END AS means
  FROM deed AS d ASOF LEFT JOIN program AS x ON x.process_id = d.process_id AND x.boot_ns <= d.boot_ns
), told AS (
  SELECT j.host_id, j.name, j.file_id, j.means, j.how, max(j.wall_ns) AS wall_ns,
         arg_max(j.process_id, j.event_id) AS process_id, arg_max(j.command_line, j.event_id) AS command_line,
         arg_max(j."value", j.event_id) AS "value"
  FROM judged AS j WHERE j.means IS NOT NULL GROUP BY j.host_id, j.name, j.file_id, j.means, j.how
), first_name AS (
  SELECT tr_n.object_id, list(tr_n.path ORDER BY tr_n.from_boot_ns, tr_n.path)[1] AS path FROM object_name AS tr_n
  WHERE tr_n.object_id IN (SELECT t.file_id FROM told AS t) GROUP BY tr_n.object_id
)
SELECT t.wall_ns, t.means, t.name AS path, t.file_id AS object_id,
       CASE WHEN f.path <> t.name THEN f.path END AS known_as, t.how,
       CASE WHEN t.how = 'times set' THEN t."value" * 1000000000 END AS set_wall_ns, t.process_id, tr_p.pid,
       coalesce(t.command_line, tr_p.command_line) AS command_line, tr_h.name AS host
FROM told AS t LEFT JOIN first_name AS f ON f.object_id = t.file_id
LEFT JOIN process AS tr_p ON tr_p.process_id = t.process_id
LEFT JOIN host AS tr_h ON tr_h.host_id = t.host_id
ORDER BY t.wall_ns, path, how;
