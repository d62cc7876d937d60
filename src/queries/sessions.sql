-- SPDX-License-Identifier: Apache-2.0
-- question:  How did each remote, interactive or scheduled activity come in?
-- reads:     _session_walk, _session_entry, _session_login, host, process, exec, event, object, socket, _is_shell, _program_name, _is_scheduler
-- column:    session_id              BIGINT   = process_id of the root
-- column:    kind                    VARCHAR  'ssh', 'telnet', 'login' (console), 'network' (any other daemon, entry known), 'scheduled' (cron …), 'daemon' (no entry seen)
-- column:    root_process_id         BIGINT   first process of the session
-- column:    root_command            VARCHAR  the first program it executed
-- column:    daemon_process_id       BIGINT   the daemon it was started by; NULL: console login
-- column:    daemon                  VARCHAR  program of that daemon
-- column:    uid                     BIGINT   who logged in; NULL: nobody did. Of other kinds: user of the first shell, else of the first program
-- column:    entry_flow_id           BIGINT   connection it came in by; NULL: none seen
-- column:    entry_process_id        BIGINT   process that had that connection
-- column:    entry_source_ip         VARCHAR  who connected
-- column:    entry_source_port       BIGINT   from which port
-- column:    entry_destination_port  BIGINT   to which port of the host
-- column:    relays                  BIGINT   local relays between that connection and the daemon
-- column:    begin_wall_ns           BIGINT   creation of the root
-- column:    end_wall_ns             BIGINT   end of its last process; NULL: one was not seen to end
-- column:    shell                   BOOLEAN  true: a shell was executed in it
-- column:    interactive             BOOLEAN  true: one of its processes read from a terminal
-- column:    processes               BIGINT   processes in it
-- column:    logged_in               BOOLEAN  true: somebody logged in; false: nobody did, be it that it was tried; NULL: nobody has to here
-- column:    host                    VARCHAR  name of the host
-- column:    via_session_id          BIGINT   another session of this host, of which a process had the other end of a connection that it came in by: a tunnel, a relay, a local request; NULL: none
-- column:    via_process_id          BIGINT   that process
-- column:    origin_session_id       BIGINT   the first of the chain of such sessions; itself where there is none
-- column:    origin_ip               VARCHAR  entry_source_ip of that one
-- costs:     the whole store
-- limits:    a daemon is a process that listened or accepted (process 1 apart), or a scheduler, and its forks that
--            execute nothing; a session is what descends from a process under a daemon that executed a
--            program and is no daemon itself, or from one that executed login. Of several connections
--            served at once, the one heard from last before the root began is the entry: that is how the
--            call order was, not a proof. Children of process 1 are no sessions.
-- source:    FX-21 attribution roots
CREATE OR REPLACE VIEW sessions AS
WITH RECURSIVE member AS MATERIALIZED (
  SELECT w.session_id, w.process_id, w.daemon_process_id, p.end_wall_ns
  FROM _session_walk AS w JOIN process AS p ON p.process_id = w.process_id
  WHERE w.session_id IS NOT NULL
), total AS (
  SELECT m.session_id, max(m.daemon_process_id) AS daemon_process_id, count(*) AS processes,
         CASE WHEN count(*) = count(m.end_wall_ns) THEN max(m.end_wall_ns) END AS end_wall_ns
  FROM member AS m GROUP BY m.session_id
), program AS (
  SELECT m.session_id, bool_or(_is_shell(x.executable)) AS shell,
         arg_min(x.uid, x.boot_ns) FILTER (WHERE _is_shell(x.executable)) AS shell_uid,
         arg_min(x.uid, x.boot_ns) AS first_uid,
         arg_min(x.command_line, x.boot_ns) FILTER (WHERE x.process_id = m.session_id) AS root_command
  FROM member AS m JOIN exec AS x ON x.process_id = m.process_id
  WHERE x.result = 0 GROUP BY m.session_id
), typed AS (
  SELECT DISTINCT m.session_id
  FROM event AS e JOIN member AS m ON m.process_id = e.process_id
  JOIN object AS o ON o.object_id = e.object_id
  WHERE e.kind = 'read' AND e.result >= 0 AND o.type IN ('pty', 'tty')
), heard AS MATERIALIZED (SELECT h.* FROM _session_entry AS h), entry AS (  -- the outermost hop by IP
  SELECT h.session_id, arg_max(h.object_id, h.hop) AS object_id,
         arg_max(h.process_id, h.hop) AS process_id, max(h.hop) AS hop
  FROM heard AS h JOIN socket AS s ON s.object_id = h.object_id
  WHERE s.family LIKE 'inet%' AND s.remote_ip <> '' GROUP BY h.session_id
), via AS MATERIALIZED (
  SELECT h.session_id, arg_min(m.session_id, h.hop) AS via_session_id,
         arg_min(m.process_id, h.hop) AS via_process_id
  FROM heard AS h JOIN member AS m ON m.process_id = h.other_process_id AND m.session_id <> h.session_id
  GROUP BY h.session_id
), chain AS (  -- by doubling (see _jump): a long chain, or a circle, costs a few rounds
  SELECT v.session_id, v.via_session_id AS at_session_id, 0 AS round FROM via AS v
  UNION ALL
  SELECT below.session_id, coalesce(above.at_session_id, below.at_session_id), below.round + 1
  FROM chain AS below LEFT JOIN chain AS above ON above.session_id = below.at_session_id
  WHERE (CAST(1 AS BIGINT) << below.round) < (SELECT count(*) FROM via)
), origin AS (
  SELECT c.session_id, c.at_session_id AS origin_session_id FROM chain AS c
  WHERE c.round = (SELECT max(last_chain.round) FROM chain AS last_chain)
)
SELECT t.session_id,
       CASE WHEN t.daemon_process_id IS NULL THEN 'login'
            WHEN _program_name(d.executable) LIKE 'sshd%' THEN 'ssh'
            WHEN _program_name(d.executable) LIKE '%telnetd' THEN 'telnet'
            WHEN en.object_id IS NOT NULL THEN 'network'
            WHEN _is_scheduler(coalesce(d.executable, '')) THEN 'scheduled'
            ELSE 'daemon' END AS kind,
       t.session_id AS root_process_id, coalesce(pr.root_command, r.command_line) AS root_command,
       t.daemon_process_id, d.executable AS daemon,
       CASE WHEN lo.session_id IS NOT NULL THEN lo.uid ELSE coalesce(pr.shell_uid, pr.first_uid, r.uid) END AS uid,
       en.object_id AS entry_flow_id, en.process_id AS entry_process_id,
       s.remote_ip AS entry_source_ip, s.remote_port AS entry_source_port,
       s.local_port AS entry_destination_port, en.hop::BIGINT AS relays,
       r.start_wall_ns AS begin_wall_ns, t.end_wall_ns, coalesce(pr.shell, FALSE) AS shell,
       ty.session_id IS NOT NULL AS interactive, t.processes,
       CASE WHEN lo.session_id IS NOT NULL THEN lo.process_id IS NOT NULL END AS logged_in, ho.name AS host,
       v.via_session_id, v.via_process_id, coalesce(og.origin_session_id, t.session_id) AS origin_session_id,
       CASE WHEN og.session_id IS NULL THEN s.remote_ip ELSE og_s.remote_ip END AS origin_ip
FROM total AS t
JOIN process AS r ON r.process_id = t.session_id
LEFT JOIN process AS d ON d.process_id = t.daemon_process_id
LEFT JOIN program AS pr ON pr.session_id = t.session_id
LEFT JOIN typed AS ty ON ty.session_id = t.session_id
LEFT JOIN entry AS en ON en.session_id = t.session_id
LEFT JOIN socket AS s ON s.object_id = en.object_id
LEFT JOIN _session_login AS lo ON lo.session_id = t.session_id
LEFT JOIN via AS v ON v.session_id = t.session_id
LEFT JOIN origin AS og ON og.session_id = t.session_id
LEFT JOIN entry AS og_e ON og_e.session_id = og.origin_session_id
LEFT JOIN socket AS og_s ON og_s.object_id = og_e.object_id
LEFT JOIN host AS ho ON ho.host_id = r.host_id
ORDER BY begin_wall_ns NULLS FIRST, t.session_id;
