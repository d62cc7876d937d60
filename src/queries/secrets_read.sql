-- SPDX-License-Identifier: Apache-2.0
-- question:  Which files that hold passwords, keys or tokens were read, by whom?
-- reads:     event, object, process, host, _processes_of, _is_secret, _is_own_work
-- narrows:   tree
-- parameter: process  process  the top of a tree; none: not by tree  [default]
-- parameter: session  session  a session; none: not by session  [default]
-- column:    wall_ns       BIGINT   first read
-- column:    path          VARCHAR  the file
-- column:    object_id     BIGINT   its id
-- column:    process_id    BIGINT   who read it
-- column:    pid           BIGINT   its number in the initial pid namespace
-- column:    command_line  VARCHAR  its last known arguments
-- column:    uid           BIGINT   real user then
-- column:    euid          BIGINT   effective user then
-- column:    read_bytes    BIGINT   read
-- column:    own_work      BOOLEAN  true: by a program whose work it is (sshd its keys, sudo the passwords, a shell its history)
-- column:    host          VARCHAR  name of the host
-- limits:    well-known places only; own_work is told by the program's name
-- source:    ATT&CK T1552
CREATE OR REPLACE MACRO secrets_read(process := NULL, session := NULL) AS TABLE
WITH secret AS MATERIALIZED (
  SELECT sr_o.object_id, sr_o.path FROM object AS sr_o WHERE _is_secret(sr_o.path)
), moved AS (
  SELECT sr_e.process_id, sr_e.object_id, sr_e.host_id, min(sr_e.wall_ns) AS wall_ns, arg_min(sr_e.uid, sr_e.event_id) AS uid,
         arg_min(sr_e.euid, sr_e.event_id) AS euid, _bigint(sum(sr_e.size_bytes)) AS read_bytes
  FROM event AS sr_e
  WHERE sr_e.object_id IN (SELECT secret.object_id FROM secret) AND sr_e.kind = 'read' AND sr_e.size_bytes > 0
    AND sr_e.process_id IN (
      SELECT sr_p.process_id FROM _processes_of(process := process, session := session) AS sr_p)
  GROUP BY sr_e.process_id, sr_e.object_id, sr_e.host_id
)
SELECT m.wall_ns, s.path, m.object_id, m.process_id, p.pid, p.command_line, m.uid, m.euid, m.read_bytes,
       _is_own_work(p.executable, s.path) AS own_work,
       h.name AS host
FROM moved AS m JOIN secret AS s ON s.object_id = m.object_id
LEFT JOIN process AS p ON p.process_id = m.process_id
LEFT JOIN host AS h ON h.host_id = m.host_id
ORDER BY m.wall_ns, s.path, m.process_id;
