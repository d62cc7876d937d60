-- SPDX-License-Identifier: Apache-2.0
-- question:  What do the logs of the hosts tell of logins, sudo, su and jobs?
-- reads:     log_line, host
-- column:    wall_ns      BIGINT   when the line was written; NULL: it does not say
-- column:    host         VARCHAR  where
-- column:    kind         VARCHAR  'login', 'login_failed', 'login_tried' (nobody of that name, or given up), 'login_ended', 'sudo', 'sudo_failed', 'su', 'su_failed', 'job'
-- column:    user         VARCHAR  who logged in or tried to, who called sudo or su, whose job it is; NULL: it does not say
-- column:    as_user      VARCHAR  who sudo or su made of them; NULL: of other kinds
-- column:    source_ip    VARCHAR  who connected, as the line has it; NULL: it does not say
-- column:    source_port  BIGINT   from which port; NULL: it does not say
-- column:    method       VARCHAR  'password', 'publickey' and so on; NULL: it does not say
-- column:    key          VARCHAR  type and fingerprint of the key; NULL: it does not say
-- column:    terminal     VARCHAR  on which terminal; NULL: it does not say
-- column:    directory    VARCHAR  where sudo was called; NULL: of other kinds
-- column:    command      VARCHAR  what sudo or cron executed; NULL: of other kinds
-- column:    program      VARCHAR  who wrote the line
-- column:    source       VARCHAR  the log
-- column:    message      VARCHAR  the line
-- limits:    what sshd of OpenSSH, Dropbear, login, sudo, su and the common crons write of themselves, and wtmp and btmp; whoever may write
--            to the log can write such lines, too
-- source:    ENH-5, SBK-9; auth.c of OpenSSH, logging of sudo, su and login
CREATE OR REPLACE VIEW host_log AS
WITH hl_line AS MATERIALIZED (
  SELECT row_number() OVER () AS line, l.wall_ns, h.name AS host, l.source, l.program, l.message,
         CASE WHEN regexp_matches(l.program, '(^|/)sshd(-session|-auth)?$') THEN 'sshd'
              WHEN regexp_matches(l.program, '(^|/)(cron|CRON|crond|CROND|anacron|fcron)$') THEN 'cron'
              ELSE regexp_extract(l.program, '[^/]*$') END AS name,
         regexp_replace(l.message, '^message repeated [0-9]+ times: \[ ?(.*)\]$', '\1') AS text
  FROM log_line AS l LEFT JOIN host AS h ON h.host_id = l.host_id
  WHERE l.source = 'wtmp' OR l.source IN ('syslog', 'journal')
    AND regexp_matches(l.program, '(^|/)(sshd(-session|-auth)?|dropbear|login|sudo|su|cron|CRON|crond|CROND|anacron|fcron)$')
), hl_told(line, kind, "user", as_user, source_ip, source_port, method, key, terminal, directory, command) AS (
  -- A name that was tried can be any text: of what looks like the rest of a line, the last is the program's own.
  SELECT r.line, 'login', r.f.who, '', r.f.ip, r.f.port, r.f.method, r.f.key, '', '', ''
  FROM (SELECT l.line, regexp_extract(l.text,
          '^Accepted (\S+) for (?:invalid user )?(.*) from (\S+) port (\d{1,5})(?: ssh\d?)?(?:: (.*))?$',
          ['method', 'who', 'ip', 'port', 'key']) AS f FROM hl_line AS l WHERE l.name = 'sshd') AS r WHERE r.f.ip <> ''
  UNION ALL
  SELECT r.line, 'login_failed', r.f.who, '', r.f.ip, r.f.port, r.f.method, r.f.key, '', '', ''
  FROM (SELECT l.line, regexp_extract(l.text,
          '^(?:error: )?Failed (\S+) for (?:invalid user |illegal user )?(.*) from (\S+) port (\d{1,5})(?: ssh\d?)?(?:: (.*))?$',
          ['method', 'who', 'ip', 'port', 'key']) AS f FROM hl_line AS l WHERE l.name = 'sshd') AS r WHERE r.f.ip <> ''
  UNION ALL
  SELECT r.line, 'login_tried', r.f.who, '', r.f.ip, r.f.port, '', '', '', '', ''
  FROM (SELECT l.line, regexp_extract(l.text,
          '^(?:Invalid|Illegal) user (.*) from (\S+?)(?: port (\d{1,5}))?$',
          ['who', 'ip', 'port']) AS f FROM hl_line AS l WHERE l.name = 'sshd') AS r WHERE r.f.ip <> ''
  UNION ALL
  SELECT r.line, 'login_tried', r.f.who, '', r.f.ip, r.f.port, '', '', '', '', ''
  FROM (SELECT l.line, regexp_extract(l.text,
          '^(?:error: )?maximum authentication attempts exceeded for (?:invalid user )?(.*) from (\S+) port (\d{1,5}) ssh',
          ['who', 'ip', 'port']) AS f FROM hl_line AS l WHERE l.name = 'sshd') AS r WHERE r.f.ip <> ''
  UNION ALL
  SELECT r.line, 'login_tried', r.f.who, '', r.f.ip, '', '', '', '', '', ''
  FROM (SELECT l.line, regexp_extract(l.text,
          '^User (.*) from (\S+) not allowed because ',
          ['who', 'ip']) AS f FROM hl_line AS l WHERE l.name = 'sshd') AS r WHERE r.f.ip <> ''
  UNION ALL
  SELECT r.line, 'login_ended', r.f.who, '', r.f.ip, r.f.port, '', '', '', '', ''
  FROM (SELECT l.line, regexp_extract(l.text,
          '^(?:Connection closed by|Connection reset by|Disconnected from|Disconnecting) (?:(?:authenticating |invalid )?user (.*) )?(\S+) port (\d{1,5})(?:: .*)?(?: \[preauth\])?$',
          ['who', 'ip', 'port']) AS f FROM hl_line AS l WHERE l.name = 'sshd') AS r WHERE r.f.ip <> ''
  UNION ALL
  SELECT r.line, 'login_ended', '', '', r.f.ip, r.f.port, '', '', '', '', ''
  FROM (SELECT l.line, regexp_extract(l.text,
          '^Received disconnect from (\S+) port (\d{1,5}):',
          ['ip', 'port']) AS f FROM hl_line AS l WHERE l.name = 'sshd') AS r WHERE r.f.ip <> ''
  UNION ALL
  SELECT r.line, 'login', r.f.who, '', r.f.ip, r.f.port, r.f.method, r.f.key, '', '', ''
  FROM (SELECT l.line, regexp_extract(l.text,
          '^(\S+) auth succeeded for ''(.*)'' (?:with (?:\S+ )?key (.*) )?from (\S+):(\d{1,5})$',
          ['method', 'who', 'key', 'ip', 'port']) AS f FROM hl_line AS l WHERE l.name = 'dropbear') AS r WHERE r.f.ip <> ''
  UNION ALL
  SELECT r.line, 'login_failed', r.f.who, '', r.f.ip, r.f.port, r.f.method, '', '', '', ''
  FROM (SELECT l.line, regexp_extract(l.text,
          '^[Bb]ad (?:PAM )?(\S+) attempt for ''(.*)'' from (\S+):(\d{1,5})$',
          ['method', 'who', 'ip', 'port']) AS f FROM hl_line AS l WHERE l.name = 'dropbear') AS r WHERE r.f.ip <> ''
  UNION ALL
  SELECT r.line, 'login_tried', r.f.who, '', r.f.ip, r.f.port, '', '', '', '', ''
  FROM (SELECT l.line, regexp_extract(l.text,
          '^Login attempt for nonexistent user(?: ''(.*)'')? from (\S+):(\d{1,5})$',
          ['who', 'ip', 'port']) AS f FROM hl_line AS l WHERE l.name = 'dropbear') AS r WHERE r.f.ip <> ''
  UNION ALL
  SELECT r.line, 'login_failed', r.f.who, '', '', '', '', '', r.f.terminal, '', ''
  FROM (SELECT l.line, regexp_extract(l.text,
          '^FAILED LOGIN (?:SESSION )?(?:\(\d+\)|\d+) FROM (\S+) FOR (.*), ',
          ['terminal', 'who']) AS f FROM hl_line AS l WHERE l.name = 'login') AS r WHERE r.f.terminal <> ''
  UNION ALL
  SELECT r.line, 'login_failed', r.f.who, '', r.f.ip, '', '', '', r.f.terminal, '', ''
  FROM (SELECT l.line, regexp_extract(l.text,
          '^FAILED LOGIN \(\d+\) on ''(\S+)'' (?:from ''(\S+)'' )?FOR ''(.*)'', ',
          ['terminal', 'ip', 'who']) AS f FROM hl_line AS l WHERE l.name = 'login') AS r WHERE r.f.terminal <> ''
  UNION ALL
  SELECT r.line, 'login', r.f.who, '', r.f.ip, '', '', '', r.f.terminal, '', ''
  FROM (SELECT l.line, regexp_extract(l.text,
          '^LOGIN ON (\S+) BY (\S+)(?: FROM (\S+))?$',
          ['terminal', 'who', 'ip']) AS f FROM hl_line AS l WHERE l.name = 'login') AS r WHERE r.f.terminal <> ''
  UNION ALL
  SELECT r.line, 'login', r.f.who, '', r.f.ip, '', '', '', r.f.terminal, '', ''
  FROM (SELECT l.line, regexp_extract(l.text,
          '^(ROOT) LOGIN +(?:ON|on) (?:'')?([^\s'']+)(?:'')?(?: (?:FROM|from) (?:'')?([^\s'']+)(?:'')?)?$',
          ['who', 'terminal', 'ip']) AS f FROM hl_line AS l WHERE l.name = 'login') AS r WHERE r.f.terminal <> ''
  UNION ALL
  SELECT r.line, 'sudo', r.f.who, r.f.as_user, '', '', '', '', r.f.terminal, r.f.directory, r.f.command
  FROM (SELECT l.line, regexp_extract(l.text,
          '^(\S+) : (?:HOST=\S+ ; )?(?:TTY=(\S+) ; )?(?:CHROOT=.*? ; )?PWD=(.*?) ; USER=(\S+) ; (?:GROUP=\S+ ; )?(?:TSID=\S+ ; )?(?:ENV=.*? ; )?COMMAND=(.*)$',
          ['who', 'terminal', 'directory', 'as_user', 'command']) AS f FROM hl_line AS l WHERE l.name = 'sudo') AS r WHERE r.f.command <> ''
  UNION ALL
  SELECT r.line, 'sudo_failed', r.f.who, r.f.as_user, '', '', '', '', r.f.terminal, r.f.directory, r.f.command
  FROM (SELECT l.line, regexp_extract(l.text,
          '^(\S+) : [^;=]+ ; (?:HOST=\S+ ; )?(?:TTY=(\S+) ; )?(?:CHROOT=.*? ; )?PWD=(.*?) ; USER=(\S+) ; (?:GROUP=\S+ ; )?(?:TSID=\S+ ; )?(?:ENV=.*? ; )?COMMAND=(.*)$',
          ['who', 'terminal', 'directory', 'as_user', 'command']) AS f FROM hl_line AS l WHERE l.name = 'sudo') AS r WHERE r.f.command <> ''
  UNION ALL
  SELECT r.line, 'su', r.f.who, r.f.as_user, '', '', '', '', '', '', ''
  FROM (SELECT l.line, regexp_extract(l.text,
          '^Successful su for (\S+) by (\S+)$',
          ['as_user', 'who']) AS f FROM hl_line AS l WHERE l.name = 'su') AS r WHERE r.f.who <> ''
  UNION ALL
  SELECT r.line, 'su_failed', r.f.who, r.f.as_user, '', '', '', '', '', '', ''
  FROM (SELECT l.line, regexp_extract(l.text,
          '^FAILED su for (\S+) by (\S+)$',
          ['as_user', 'who']) AS f FROM hl_line AS l WHERE l.name = 'su') AS r WHERE r.f.who <> ''
  UNION ALL
  SELECT r.line, 'su', r.f.who, r.f.as_user, '', '', '', '', r.f.terminal, '', ''
  FROM (SELECT l.line, regexp_extract(l.text,
          '^\(to ([^)]*)\) (\S+) on (\S+)$',
          ['as_user', 'who', 'terminal']) AS f FROM hl_line AS l WHERE l.name = 'su') AS r WHERE r.f.who <> ''
  UNION ALL
  SELECT r.line, 'su_failed', r.f.who, r.f.as_user, '', '', '', '', r.f.terminal, '', ''
  FROM (SELECT l.line, regexp_extract(l.text,
          '^FAILED SU \(to ([^)]*)\) (\S+) on (\S+)$',
          ['as_user', 'who', 'terminal']) AS f FROM hl_line AS l WHERE l.name = 'su') AS r WHERE r.f.who <> ''
  UNION ALL
  SELECT r.line, 'job', r.f.who, '', '', '', '', '', '', '', r.f.command
  FROM (SELECT l.line, regexp_extract(l.text,
          '^\(([^)]*)\) CMD \((.*)\)$',
          ['who', 'command']) AS f FROM hl_line AS l WHERE l.name = 'cron') AS r WHERE r.f.command <> ''
  UNION ALL
  SELECT r.line, r.f.kind, r.f.who, '', r.f.ip, '', '', '', r.f.terminal, '', ''
  FROM (SELECT l.line, regexp_extract(l.text,
          '^(login|login_failed|login_ended) terminal=(\S*) address=(\S*) pid=\d+ user=(\S*)$',
          ['kind', 'terminal', 'ip', 'who']) AS f FROM hl_line AS l WHERE l.source = 'wtmp') AS r WHERE r.f.kind <> ''
)
SELECT l.wall_ns, l.host, t.kind, nullif(t."user", '') AS "user", nullif(t.as_user, '') AS as_user,
       nullif(t.source_ip, '') AS source_ip, TRY_CAST(t.source_port AS BIGINT) AS source_port,
       nullif(t.method, '') AS method, nullif(t.key, '') AS key, nullif(t.terminal, '') AS terminal,
       nullif(t.directory, '') AS directory, nullif(t.command, '') AS command, l.program, l.source, l.message
FROM hl_told AS t JOIN hl_line AS l ON l.line = t.line
ORDER BY l.wall_ns, l.host, t.kind, l.message;
