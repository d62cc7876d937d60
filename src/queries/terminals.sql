-- SPDX-License-Identifier: Apache-2.0
-- question:  Which terminals were used, by whom, and how much was typed and printed?
-- reads:     event, object, object_name, io, _processes_of, _session_walk, exec, _is_shell, host
-- narrows:   tree
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
-- column:    host              VARCHAR  name of the host
-- limits:    where no payload was captured, what goes through the other end of a pty (sshd, script)
--            is counted as well
-- source:    SBK-1
CREATE OR REPLACE MACRO terminals(process := NULL, session := NULL) AS TABLE
WITH pts AS (  -- the name in /dev/pts before the one every process calls its own
  SELECT tnm.object_id, max(tnm.path) AS path FROM object_name AS tnm
  WHERE tnm.path LIKE '/dev/pts/%' AND tnm.path <> '/dev/pts/ptmx' GROUP BY tnm.object_id
), master_io AS (  -- of the program behind the terminal: what it reads was printed, not typed
  SELECT DISTINCT ti.event_id FROM io AS ti WHERE ti.pty_master
), shell AS (
  SELECT DISTINCT tx.process_id FROM exec AS tx WHERE tx.result = 0 AND _is_shell(tx.executable)
)
SELECT te.object_id, coalesce(max(tn.path), any_value(tob.path)) AS path, min(tw.session_id) AS session_id,
       arg_min(te.process_id, te.boot_ns)
         FILTER (WHERE te.kind = 'read' AND shell.process_id IS NOT NULL) AS shell_process_id,
       count(DISTINCT te.process_id) AS processes,
       _bigint(coalesce(sum(te.size_bytes) FILTER (WHERE te.kind = 'read'), 0)) AS in_bytes,
       _bigint(coalesce(sum(te.size_bytes) FILTER (WHERE te.kind = 'write'), 0)) AS out_bytes,
       min(te.wall_ns) AS begin_wall_ns, max(te.wall_ns) AS end_wall_ns, any_value(te_h.name) AS host
FROM event AS te
LEFT JOIN host AS te_h ON te_h.host_id = te.host_id
JOIN object AS tob ON tob.object_id = te.object_id
LEFT JOIN pts AS tn ON tn.object_id = te.object_id
LEFT JOIN shell ON shell.process_id = te.process_id
LEFT JOIN _session_walk AS tw ON tw.process_id = te.process_id
WHERE te.event_id NOT IN (SELECT master_io.event_id FROM master_io)
  AND tob.type IN ('pty', 'tty') AND te.kind IN ('read', 'write') AND te.result >= 0
  AND te.process_id IN (
    SELECT tq.process_id FROM _processes_of(process := process, session := session) AS tq)
GROUP BY te.object_id
ORDER BY begin_wall_ns, te.object_id;
