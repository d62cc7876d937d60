-- SPDX-License-Identifier: Apache-2.0
-- question:  Is a file of this name a record of what was done: a log, a record of logins, a shell's history?
-- parameter: path  text  absolute path
-- column:    value  VARCHAR  'login record', 'shell history', 'log'; NULL: by its name it is none
-- limits:    by name only
-- source:    ATT&CK T1070
CREATE OR REPLACE MACRO _is_log(path) AS CASE
  WHEN regexp_matches(path, '^/(var/(log|run|adm)|run|etc)/(.*/)?(wtmp|btmp|utmp|lastlog|faillog|tallylog)(x|db|\.db)?(\.[0-9]+)?$') THEN 'login record'
  WHEN regexp_matches(path, '/(\.[a-z0-9_]*_?history|\.histfile|\.viminfo|\.lesshst|fish_history)$') THEN 'shell history'
  WHEN regexp_matches(path, '^/(var/log|var/adm|run/log)/.|\.log(\.[0-9]+)?$') THEN 'log'
END;
