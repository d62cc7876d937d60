-- SPDX-License-Identifier: Apache-2.0
-- question:  Which programs and scripts that were changed here did others execute afterwards, and as whom?
-- reads:     exec, process, host, _run_afterwards
-- parameter: process  process  the top of a tree; none: not by tree  [default]
-- parameter: session  session  a session; none: not by session  [default]
-- column:    path                VARCHAR  the program or script
-- column:    object_id           BIGINT   its file
-- column:    changed_process_id  BIGINT   who changed it last before the first of these runs
-- column:    changed_wall_ns     BIGINT   when
-- column:    uid                 BIGINT   real user who executed it
-- column:    euid                BIGINT   effective user after that
-- column:    runs                BIGINT   how often this user did
-- column:    process_id          BIGINT   who did first
-- column:    pid                 BIGINT   its number in the initial pid namespace
-- column:    command_line        VARCHAR  with these arguments
-- column:    wall_ns             BIGINT   when first
-- column:    host                VARCHAR  name of the host
-- limits:    by processes that are not among those asked about: without process or session there are none. What a
--            shell reads by itself (start-up files, '.') and what servers interpret is not here
-- source:    ATT&CK T1554, T1053
CREATE OR REPLACE MACRO run_afterwards(process := NULL, session := NULL) AS TABLE
WITH run AS (
  SELECT ro.*, ro_x.uid, ro_x.euid, ro_x.command_line
  FROM _run_afterwards(process := process, session := session) AS ro JOIN exec AS ro_x ON ro_x.event_id = ro.event_id
), told AS (
  SELECT r.object_id, r.uid, r.euid, count(*) AS runs, arg_min(r.path, r.event_id) AS path,
         arg_min(r.changed_process_id, r.event_id) AS changed_process_id,
         arg_min(r.changed_wall_ns, r.event_id) AS changed_wall_ns, arg_min(r.process_id, r.event_id) AS process_id,
         arg_min(r.command_line, r.event_id) AS command_line, min(r.wall_ns) AS wall_ns
  FROM run AS r GROUP BY r.object_id, r.uid, r.euid
)
SELECT t.path, t.object_id, t.changed_process_id, t.changed_wall_ns, t.uid, t.euid, t.runs, t.process_id, ro_p.pid,
       t.command_line, t.wall_ns, ro_h.name AS host
FROM told AS t JOIN process AS ro_p ON ro_p.process_id = t.process_id
LEFT JOIN host AS ro_h ON ro_h.host_id = ro_p.host_id
ORDER BY t.wall_ns, t.path, t.uid, t.euid;
