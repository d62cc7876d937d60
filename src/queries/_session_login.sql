-- SPDX-License-Identifier: Apache-2.0
-- question:  Who logged in, in each session that came through sshd, telnetd or login, if anybody did?
-- reads:     _session_walk, exec, event, process, credential_change, _is_login_program
-- column:    session_id  BIGINT  the session
-- column:    process_id  BIGINT  the process of the user; NULL: nobody logged in
-- column:    uid         BIGINT  who logged in; NULL: nobody did
-- column:    boot_ns     BIGINT  when the first program of the user was executed, or the rights of the user taken
-- costs:     the whole store
-- limits:    the user is whose program was executed first by a process that began a process session of its
--            own; where none was seen to, whose program other than root's was first. Programs of the login
--            itself (the message of the day) are none of the user's
-- source:    FX-21
CREATE OR REPLACE VIEW _session_login AS
WITH executed AS MATERIALIZED (
  SELECT x.process_id, x.boot_ns, x.uid, x.executable FROM exec AS x WHERE x.result = 0
), door AS MATERIALIZED (
  SELECT w.session_id FROM _session_walk AS w LEFT JOIN process AS d ON d.process_id = w.daemon_process_id
  WHERE w.session_id = w.process_id AND (
    coalesce(_is_login_program(d.executable), FALSE)
    OR w.session_id IN (SELECT x.process_id FROM executed AS x WHERE _is_login_program(x.executable)))
), member AS MATERIALIZED (
  SELECT w.session_id, w.process_id FROM _session_walk AS w JOIN door ON door.session_id = w.session_id
), began AS MATERIALIZED (
  SELECT e.process_id, min(e.boot_ns) AS boot_ns FROM event AS e
  WHERE e.kind = 'setsid' AND e.result >= 0 GROUP BY e.process_id
), program AS MATERIALIZED (
  SELECT m.session_id, x.process_id, x.uid, x.boot_ns, coalesce(b.boot_ns < x.boot_ns, FALSE) AS leads
  FROM member AS m JOIN executed AS x ON x.process_id = m.process_id
  LEFT JOIN began AS b ON b.process_id = x.process_id
  WHERE NOT _is_login_program(x.executable) AND NOT regexp_matches(x.executable, 'getty$')
), dropped AS (  -- without a program: file transfer inside sshd, after the one that only checks who it is
  SELECT m.session_id, c.process_id, arg_max(c.uid, c.boot_ns) AS uid, max(c.boot_ns) AS boot_ns
  FROM member AS m JOIN credential_change AS c ON c.process_id = m.process_id
  WHERE c.cause = 'call' AND c.before_uid = 0 AND c.uid <> 0 AND c.euid = c.uid AND coalesce(c.suid, c.uid) = c.uid
    AND c.process_id NOT IN (SELECT x.process_id FROM executed AS x)
  GROUP BY m.session_id, c.process_id
), login AS (
  SELECT p.session_id, 0 AS rank, p.process_id, p.uid, p.boot_ns FROM program AS p WHERE p.leads
  UNION ALL
  SELECT p.session_id, 1, p.process_id, p.uid, p.boot_ns FROM program AS p WHERE p.uid <> 0
  UNION ALL
  SELECT d.session_id, 2, arg_max(d.process_id, d.boot_ns), arg_max(d.uid, d.boot_ns), max(d.boot_ns)
  FROM dropped AS d GROUP BY d.session_id HAVING count(*) > 1
)
SELECT door.session_id, arg_min(l.process_id, (l.rank, l.boot_ns)) AS process_id,
       arg_min(l.uid, (l.rank, l.boot_ns)) AS uid, arg_min(l.boot_ns, (l.rank, l.boot_ns)) AS boot_ns
FROM door LEFT JOIN login AS l ON l.session_id = door.session_id
GROUP BY door.session_id;
