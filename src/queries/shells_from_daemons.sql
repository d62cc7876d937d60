-- SPDX-License-Identifier: Apache-2.0
-- question:  Which sessions executed a shell from a daemon other than sshd, telnetd and login, by user?
-- reads:     sessions, _session_walk, exec, _is_shell, _is_login_program
-- column:    uid                BIGINT   user of the first shell
-- column:    session_id         BIGINT   the session
-- column:    kind               VARCHAR  as in sessions
-- column:    daemon             VARCHAR  program of the daemon
-- column:    entry_source_ip    VARCHAR  who connected; NULL: no entry seen
-- column:    entry_source_port  BIGINT   from which port
-- column:    process_id         BIGINT   the first shell
-- column:    shell              VARCHAR  its program
-- column:    command_line       VARCHAR  its arguments
-- column:    wall_ns            BIGINT   when it was executed
-- column:    shells             BIGINT   shells executed in the session
-- column:    interactive        BOOLEAN  true: something in the session read from a terminal
-- column:    host               VARCHAR  name of the host
-- limits:    as sessions; jobs of cron are among them (kind 'scheduled'), and CGI programs written for a shell
-- source:    Forensix Query 1 (FX-22)
CREATE OR REPLACE VIEW shells_from_daemons AS
WITH executed AS (
  SELECT w.session_id, arg_min(x.process_id, x.boot_ns) AS process_id,
         arg_min(x.executable, x.boot_ns) AS shell, arg_min(x.command_line, x.boot_ns) AS command_line,
         min(x.wall_ns) AS wall_ns, count(*) AS shells
  FROM exec AS x JOIN _session_walk AS w ON w.process_id = x.process_id
  WHERE x.result = 0 AND _is_shell(x.executable) AND w.session_id IS NOT NULL
  GROUP BY w.session_id
)
SELECT s.uid, s.session_id, s.kind, s.daemon, s.entry_source_ip, s.entry_source_port, e.process_id,
       e.shell, e.command_line, e.wall_ns, e.shells, s.interactive, s.host
FROM sessions AS s JOIN executed AS e ON e.session_id = s.session_id
WHERE s.daemon IS NOT NULL AND NOT _is_login_program(s.daemon)
ORDER BY s.uid, e.wall_ns;
