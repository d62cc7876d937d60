-- SPDX-License-Identifier: Apache-2.0
-- question:  Which terminals were used, by whom, and how much was typed and printed?
-- reads:     event, object, _processes_of, _session_walk, exec, _is_shell
-- parameter: process  process  the top of a tree; none: not by tree  [default]
-- parameter: session  session  a session; none: not by session  [default]
-- column:    object_id         BIGINT   the terminal
-- column:    path              VARCHAR  its name
-- column:    session_id        BIGINT   a session that used it; NULL: none
-- column:    shell_process_id  BIGINT   the first shell that read from it: replay this one; NULL: none did
-- column:    processes         BIGINT   processes that used it
-- column:    in_bytes          BIGINT   read from it
-- column:    out_bytes         BIGINT   written to it
-- column:    begin_wall_ns     BIGINT   first use
-- column:    end_wall_ns       BIGINT   last use
-- limits:    what goes through the other end of a pty (sshd, script) is counted as well
-- source:    SBK-1
CREATE OR REPLACE MACRO terminals(process := NULL, session := NULL) AS TABLE
WITH shell AS (
  SELECT DISTINCT tx.process_id FROM exec AS tx WHERE tx.result = 0 AND _is_shell(tx.executable)
)
SELECT te.object_id, any_value(tob.path) AS path, min(tw.session_id) AS session_id,
       arg_min(te.process_id, te.boot_ns)
         FILTER (WHERE te.kind = 'read' AND shell.process_id IS NOT NULL) AS shell_process_id,
       count(DISTINCT te.process_id) AS processes,
       coalesce(sum(te.size_bytes) FILTER (WHERE te.kind = 'read'), 0)::BIGINT AS in_bytes,
       coalesce(sum(te.size_bytes) FILTER (WHERE te.kind = 'write'), 0)::BIGINT AS out_bytes,
       min(te.wall_ns) AS begin_wall_ns, max(te.wall_ns) AS end_wall_ns
FROM event AS te
JOIN object AS tob ON tob.object_id = te.object_id
LEFT JOIN shell ON shell.process_id = te.process_id
LEFT JOIN _session_walk AS tw ON tw.process_id = te.process_id
WHERE tob.type IN ('pty', 'tty') AND te.kind IN ('read', 'write') AND te.result >= 0
  AND te.process_id IN (
    SELECT tq.process_id FROM _processes_of(process := process, session := session) AS tq)
GROUP BY te.object_id
ORDER BY begin_wall_ns, te.object_id;
