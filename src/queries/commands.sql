-- SPDX-License-Identifier: Apache-2.0
-- question:  Which programs were executed, by whom, with which arguments?
-- reads:     exec, event, process, _processes_of, _is_canary, host
-- narrows:   tree
-- parameter: process  process  the top of a tree; none: not by tree  [default]
-- parameter: session  session  a session; none: not by session  [default]
-- column:    wall_ns            BIGINT   when
-- column:    process_id         BIGINT   the process that executed it
-- column:    pid                BIGINT   its number in the initial pid namespace
-- column:    parent_process_id  BIGINT   its creator
-- column:    uid                BIGINT   real user then
-- column:    euid               BIGINT   effective user then
-- column:    executable         VARCHAR  the program, as the kernel resolved it
-- column:    command_line       VARCHAR  arguments joined, shell-quoted
-- column:    user_path          VARCHAR  what was asked for, when it differs (scripts)
-- column:    working_directory  VARCHAR  where
-- column:    result             BIGINT   0, or -errno: refused
-- column:    object_id          BIGINT   the program file
-- column:    event_id           BIGINT   the event
-- column:    host               VARCHAR  name of the host
-- column:    deleted            BOOLEAN  true: the file had no name any more when it was executed
-- limits:    arguments longer than what the sensor keeps are cut (exec.arguments_truncated); the sensor's
--            canaries are left out
-- source:    FX-18
CREATE OR REPLACE MACRO commands(process := NULL, session := NULL) AS TABLE
SELECT cx.wall_ns, cx.process_id, cp.pid, cp.parent_process_id, cx.uid, cx.euid, cx.executable,
       cx.command_line, cx.user_path, cx.working_directory, cx.result, cx.object_id, cx.event_id,
       cx_h.name AS host, cx.event_id IN (
         SELECT ce.event_id FROM event AS ce WHERE ce.kind = 'exec' AND (coalesce(ce.flags, 0) & 1) <> 0) AS deleted
FROM exec AS cx JOIN process AS cp ON cp.process_id = cx.process_id
LEFT JOIN host AS cx_h ON cx_h.host_id = cp.host_id
WHERE cx.process_id IN (
  SELECT co.process_id FROM _processes_of(process := process, session := session) AS co)
  AND NOT _is_canary(cx.executable, cx.result)
ORDER BY cx.boot_ns, cx.event_id;
