-- SPDX-License-Identifier: Apache-2.0
-- question:  When did the effective user of a process become root, why, and what was executed as root after that?
-- reads:     credential_change, exec, _lineage, _program_name
-- column:    event_id      BIGINT   the event
-- column:    process_id    BIGINT   the process
-- column:    boot_ns       BIGINT   when
-- column:    wall_ns       BIGINT   when
-- column:    before_uid    BIGINT   real user before
-- column:    before_euid   BIGINT   effective user before
-- column:    uid           BIGINT   real user after
-- column:    euid          BIGINT   effective user after: 0
-- column:    syscall       VARCHAR  the call
-- column:    executable    VARCHAR  the program of the process then
-- column:    why           VARCHAR  'setuid_exec', 'setuid_program' (of which nothing executed as root came), 'exec', 'call', 'regained' (it had been root all along, as real or saved user), 'unexplained'
-- column:    programs      BIGINT   programs executed as root after that, by it or below it
-- costs:     the whole store
-- limits:    checks of passwords and mail that sudo, su and their like execute themselves are not counted as
--            programs; what was done as root without executing anything is not seen here
-- source:    D9
CREATE OR REPLACE VIEW _root_change AS
WITH changed AS MATERIALIZED (  -- who it was, as saved user, by the change before
  SELECT c.*, lag(c.suid) OVER (PARTITION BY c.process_id ORDER BY c.boot_ns, c.event_id) AS before_suid
  FROM credential_change AS c
), change AS MATERIALIZED (
  SELECT c.* FROM changed AS c WHERE c.euid = 0 AND c.before_euid <> 0
), below AS (
  SELECT c.event_id, count(*) AS programs
  FROM exec AS x
  JOIN _lineage((SELECT list(DISTINCT r.process_id) FROM exec AS r
                 WHERE r.euid = 0 AND r.result = 0
                   AND r.boot_ns > (SELECT min(c.boot_ns) FROM change AS c))) AS l ON l.process_id = x.process_id
  JOIN change AS c ON c.process_id = l.line_process_id
  WHERE x.euid = 0 AND x.result = 0 AND x.boot_ns > c.boot_ns AND l.cut_boot_ns > c.boot_ns
    AND _program_name(x.executable) NOT IN ('unix_chkpwd', 'unix_update', 'sendmail', 'postdrop', 'exim4')
  GROUP BY c.event_id
)
SELECT c.event_id, c.process_id, c.boot_ns, c.wall_ns, c.before_uid, c.before_euid, c.uid, c.euid, c.syscall,
       c.executable,
       CASE WHEN c.cause = 'call' AND (c.before_uid = 0 OR c.before_suid = 0) THEN 'regained'
            WHEN c.cause = 'setuid_exec' AND b.programs IS NULL THEN 'setuid_program'
            ELSE c.cause END AS why,
       coalesce(b.programs, 0) AS programs
FROM change AS c LEFT JOIN below AS b ON b.event_id = c.event_id;
