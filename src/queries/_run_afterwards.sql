-- SPDX-License-Identifier: Apache-2.0
-- question:  Which programs and scripts that these processes changed were executed afterwards by others?
-- reads:     event, event_by_object, exec, object, _processes_of, _scripts_run
-- parameter: process  process  the top of a tree; none: not by tree  [default]
-- parameter: session  session  a session; none: not by session  [default]
-- column:    object_id           BIGINT   the program or script
-- column:    path                VARCHAR  its name as it was executed or opened
-- column:    changed_process_id  BIGINT   who of these processes changed it last before
-- column:    changed_boot_ns     BIGINT   when that ended
-- column:    changed_wall_ns     BIGINT   when
-- column:    event_id            BIGINT   the exec
-- column:    process_id          BIGINT   who executed it
-- column:    boot_ns             BIGINT   when
-- column:    wall_ns             BIGINT   when
-- limits:    as _scripts_run: what a shell reads by itself (start-up files, '.') is not here
-- source:    ATT&CK T1554, T1053
CREATE OR REPLACE MACRO _run_afterwards(process := NULL, session := NULL) AS TABLE
WITH subject AS MATERIALIZED (
  SELECT ra_s.process_id FROM _processes_of(process := process, session := session) AS ra_s
), change AS MATERIALIZED (
  SELECT ra_e.object_id, ra_e.process_id, ra_e.end_boot_ns, ra_e.wall_ns
  FROM event AS ra_e JOIN object AS ra_o ON ra_o.object_id = ra_e.object_id
  WHERE ra_e.process_id IN (SELECT subject.process_id FROM subject) AND ra_e.result >= 0 AND NOT ra_e.baseline
    AND (ra_e.kind IN ('truncate', 'rename', 'link', 'chmod') OR (ra_e.kind = 'write' AND ra_e.size_bytes > 0))
    AND ra_o.type IN ('file', 'memfd')
), opener AS (
  SELECT DISTINCT ra_b.process_id FROM event_by_object AS ra_b
  WHERE ra_b.kind = 'open' AND ra_b.result >= 0 AND ra_b.object_id IN (SELECT change.object_id FROM change)
    AND ra_b.process_id NOT IN (SELECT subject.process_id FROM subject)
), run AS (
  SELECT s.event_id, s.process_id, s.object_id, s.path
  FROM _scripts_run((SELECT list(opener.process_id) FROM opener)) AS s
  WHERE s.object_id IN (SELECT change.object_id FROM change)
  UNION
  SELECT ra_x.event_id, ra_x.process_id, ra_x.object_id, ra_x.executable FROM exec AS ra_x
  WHERE ra_x.result = 0 AND ra_x.object_id IN (SELECT change.object_id FROM change)
    AND ra_x.process_id NOT IN (SELECT subject.process_id FROM subject)
), timed AS (
  SELECT r.*, ra_x.boot_ns, ra_x.wall_ns FROM run AS r JOIN exec AS ra_x ON ra_x.event_id = r.event_id
)
SELECT t.object_id, t.path, c.process_id AS changed_process_id, c.end_boot_ns AS changed_boot_ns,
       c.wall_ns AS changed_wall_ns, t.event_id, t.process_id, t.boot_ns, t.wall_ns
FROM timed AS t ASOF JOIN change AS c ON c.object_id = t.object_id AND c.end_boot_ns <= t.boot_ns;
