-- SPDX-License-Identifier: Apache-2.0
-- question:  Which programs and scripts that were changed here did others execute, or load, afterwards, and as whom?
-- reads:     process, host, _run_afterwards
-- parameter: process  process  the top of a tree; none: not by tree  [default]
-- parameter: session  session  a session; none: not by session  [default]
-- column:    path                VARCHAR  the program or script
-- column:    object_id           BIGINT   its file
-- column:    changed_process_id  BIGINT   who changed it last before the first of these runs
-- column:    changed_wall_ns     BIGINT   when
-- column:    how                 VARCHAR  'executed' or 'loaded' (a module, a library, what a shell reads)
-- column:    uid                 BIGINT   real user who did
-- column:    euid                BIGINT   effective user after that
-- column:    runs                BIGINT   how often this user did
-- column:    process_id          BIGINT   who did first
-- column:    pid                 BIGINT   its number in the initial pid namespace
-- column:    command_line        VARCHAR  with these arguments
-- column:    wall_ns             BIGINT   when first
-- column:    host                VARCHAR  name of the host
-- limits:    by processes that are not among those asked about: without process or session there are none. What is
--            loaded is told by names: see _run_afterwards
-- source:    ATT&CK T1554, T1053
CREATE OR REPLACE MACRO run_afterwards(process := NULL, session := NULL) AS TABLE
WITH told AS (
  SELECT r.object_id, r.how, r.uid, r.euid, count(*) AS runs, arg_min(r.path, r.event_id) AS path,
         arg_min(r.changed_process_id, r.event_id) AS changed_process_id,
         arg_min(r.changed_wall_ns, r.event_id) AS changed_wall_ns, arg_min(r.process_id, r.event_id) AS process_id,
         arg_min(r.command_line, r.event_id) AS command_line, min(r.wall_ns) AS wall_ns
  FROM _run_afterwards(process := process, session := session) AS r GROUP BY r.object_id, r.how, r.uid, r.euid
)
SELECT t.path, t.object_id, t.changed_process_id, t.changed_wall_ns, t.how, t.uid, t.euid, t.runs, t.process_id, ro_p.pid,
       t.command_line, t.wall_ns, ro_h.name AS host
FROM told AS t JOIN process AS ro_p ON ro_p.process_id = t.process_id
LEFT JOIN host AS ro_h ON ro_h.host_id = ro_p.host_id
ORDER BY t.wall_ns, t.path, t.how, t.uid, t.euid;
