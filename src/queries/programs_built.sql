-- SPDX-License-Identifier: Apache-2.0
-- question:  Which programs and scripts were executed that had been written here before: built, downloaded or unpacked?
-- reads:     commands, event_by_object, exec, process, _scripts_of
-- parameter: process  process  the top of a tree; none: not by tree  [default]
-- parameter: session  session  a session; none: not by session  [default]
-- column:    path                VARCHAR  the program or script
-- column:    object_id           BIGINT   its file
-- column:    writer_process_id   BIGINT   the process that wrote it last before
-- column:    writer              VARCHAR  its command line then
-- column:    written_wall_ns     BIGINT   when it was last written before
-- column:    written_boot_ns     BIGINT   the same by the host's own clock
-- column:    process_id          BIGINT   the process that executed it first
-- column:    command_line        VARCHAR  with these arguments
-- column:    uid                 BIGINT   real user then
-- column:    euid                BIGINT   effective user then
-- column:    wall_ns             BIGINT   when it was executed first
-- column:    host                VARCHAR  name of the host
-- limits:    a script is known by its name among the interpreter's arguments. A file written through a mapping, or renamed over from another file system, is not tied to its writer
-- source:    D19
CREATE OR REPLACE MACRO programs_built(process := NULL, session := NULL) AS TABLE
WITH ran AS (
  SELECT pc.object_id, pc.executable, pc.process_id, pc.command_line, pc.uid, pc.euid, pc.wall_ns, pc.host, pc.event_id
  FROM commands(process := process, session := session) AS pc WHERE pc.result = 0
), executed AS (
  SELECT ran.* FROM ran WHERE ran.object_id IS NOT NULL
  UNION ALL
  SELECT ps.object_id, ps.path, ran.process_id, ran.command_line, ran.uid, ran.euid, ran.wall_ns, ran.host, ran.event_id
  FROM _scripts_of(process := process, session := session) AS ps JOIN ran ON ran.event_id = ps.event_id
), run AS (
  SELECT pc.object_id, arg_min(pc.executable, pc.wall_ns) AS path,
         arg_min(pc.process_id, pc.wall_ns) AS process_id,
         arg_min(pc.command_line, pc.wall_ns) AS command_line, arg_min(pc.uid, pc.wall_ns) AS uid,
         arg_min(pc.euid, pc.wall_ns) AS euid, min(pc.wall_ns) AS wall_ns, any_value(pc.host) AS host
  FROM executed AS pc GROUP BY pc.object_id
), made AS (
  SELECT run.object_id, arg_max(pw.process_id, pw.wall_ns) AS writer_process_id,
         arg_max(pw.boot_ns, pw.wall_ns) AS written_boot_ns, max(pw.wall_ns) AS written_wall_ns
  FROM event_by_object AS pw JOIN run ON run.object_id = pw.object_id
  WHERE pw.kind = 'write' AND pw.size_bytes > 0 AND pw.wall_ns <= run.wall_ns
  GROUP BY run.object_id
), writer AS (
  SELECT m.object_id, arg_max(wx.command_line, wx.boot_ns) AS command_line
  FROM made AS m JOIN exec AS wx ON wx.process_id = m.writer_process_id
  WHERE wx.result = 0 AND wx.boot_ns <= m.written_boot_ns GROUP BY m.object_id
)
SELECT run.path, run.object_id, made.writer_process_id, coalesce(pw_c.command_line, pp.command_line) AS writer, made.written_wall_ns, made.written_boot_ns,
       run.process_id, run.command_line, run.uid, run.euid, run.wall_ns, run.host
FROM run JOIN made ON made.object_id = run.object_id
LEFT JOIN writer AS pw_c ON pw_c.object_id = run.object_id
LEFT JOIN process AS pp ON pp.process_id = made.writer_process_id
ORDER BY run.wall_ns, run.path;
