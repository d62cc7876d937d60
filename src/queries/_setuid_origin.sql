-- SPDX-License-Identifier: Apache-2.0
-- question:  Who gave this program its setuid bit, and who had written it, before that moment?
-- reads:     event_by_object, exec, process
-- parameter: object   integer  the program file
-- parameter: boot_ns  integer  before this
-- column:    deed          VARCHAR  'setuid' or 'written': the last such deed
-- column:    wall_ns       BIGINT   when
-- column:    process_id    BIGINT   who
-- column:    pid           BIGINT   its number in the initial pid namespace
-- column:    command_line  VARCHAR  its arguments then
-- column:    uid           BIGINT   real user then
-- column:    euid          BIGINT   effective user then
-- limits:    no row where that was before the record, or under another file (a copy by rename)
-- source:    ATT&CK T1548.001
CREATE OR REPLACE MACRO _setuid_origin(object, boot_ns) AS TABLE
WITH deed AS (
  SELECT CASE WHEN u_e.kind = 'write' THEN 'written' ELSE 'setuid' END AS deed, u_e.event_id, u_e.process_id,
         u_e.boot_ns AS done_boot_ns, u_e.wall_ns, u_e.uid, u_e.euid
  FROM event_by_object AS u_e
  WHERE u_e.object_id = object AND u_e.result >= 0 AND NOT u_e.baseline AND u_e.boot_ns <= boot_ns
    AND ((u_e.kind = 'write' AND u_e.size_bytes > 0)
         OR (u_e.kind = 'chmod' AND (coalesce(u_e."value", 0) & 2048) <> 0)
         OR (u_e.kind = 'open' AND (coalesce(u_e.flags, 0) & 1073741824) <> 0 AND (coalesce(u_e."value", 0) & 2048) <> 0))
), last_deed AS (
  SELECT d.deed, max(d.event_id) AS event_id FROM deed AS d GROUP BY d.deed
), told AS (
  SELECT d.* FROM deed AS d WHERE d.event_id IN (SELECT l.event_id FROM last_deed AS l)
), command AS (
  SELECT t.event_id, arg_max(u_x.command_line, u_x.boot_ns) AS command_line
  FROM told AS t JOIN exec AS u_x ON u_x.process_id = t.process_id
  WHERE u_x.result = 0 AND u_x.boot_ns <= t.done_boot_ns GROUP BY t.event_id
)
SELECT t.deed, t.wall_ns, t.process_id, u_p.pid, coalesce(c.command_line, u_p.command_line) AS command_line, t.uid, t.euid
FROM told AS t LEFT JOIN command AS c ON c.event_id = t.event_id
LEFT JOIN process AS u_p ON u_p.process_id = t.process_id
ORDER BY t.deed, t.event_id;
