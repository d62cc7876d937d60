-- SPDX-License-Identifier: Apache-2.0
-- question:  Which descriptors of these processes referred to this file name, or to what a listed descriptor referred to, at that time?
-- reads:     _descriptors, _objects_called, object, process, _moment
-- parameter: processes  integers  whose descriptors
-- parameter: path     text      file name, a * stands for any text; none: any  [default]
-- parameter: fds      integers  descriptors whose aliases are wanted; none: any  [default]
-- parameter: time     time      the moment; none: at any time  [default]
-- parameter: uses     structs   {process_id, fd}: only these descriptors; none: all  [default]
-- column:    process_id     BIGINT   the process
-- column:    fd             BIGINT   the descriptor
-- column:    object_id      BIGINT   what it referred to
-- column:    path           VARCHAR  name it was opened by, else the last known one
-- column:    how            VARCHAR  'open', 'dup', 'pipe', 'socket', 'accept' …; 'seen': first known from its use
-- column:    inherited      BOOLEAN  true: an ancestor had it and it came over fork
-- column:    from_wall_ns   BIGINT   from when
-- column:    until_wall_ns  BIGINT   until when; NULL: not seen to end
-- column:    from_boot_ns   BIGINT   as from_wall_ns, boot clock
-- column:    until_boot_ns  BIGINT   as until_wall_ns, boot clock
-- column:    event_id       BIGINT   the event that made it so
-- limits:    a file counts when it bore the name at any time, so that a later rename does not hide it;
--            see also _descriptors
-- source:    Forensix All_FDs (FX-31), for several processes at once
CREATE OR REPLACE MACRO _all_fds(processes, path := NULL, fds := NULL, "time" := NULL, uses := NULL) AS TABLE
WITH held AS (
  SELECT af_d.*, _plus(af_d.from_boot_ns, clock.wall_minus_boot_ns) AS from_wall_ns,
         _plus(af_d.until_boot_ns, clock.wall_minus_boot_ns) AS until_wall_ns
  FROM _descriptors(processes, uses := uses) AS af_d
  JOIN (SELECT af_p.process_id, _minus(af_p.start_wall_ns, af_p.start_boot_ns) AS wall_minus_boot_ns
        FROM process AS af_p) AS clock ON clock.process_id = af_d.process_id
), at_that_time AS MATERIALIZED (
  SELECT held.* FROM held
  WHERE "time" IS NULL OR (held.from_wall_ns <= _moment("time")
                           AND (held.until_wall_ns IS NULL OR held.until_wall_ns > _moment("time")))
), wanted AS (
  SELECT t.process_id, t.object_id FROM at_that_time AS t
  WHERE t.object_id IN (SELECT af_c.object_id FROM _objects_called(path) AS af_c)
  UNION
  SELECT h.process_id, h.object_id FROM at_that_time AS h WHERE list_contains(fds, h.fd)
)
SELECT t.process_id, t.fd, t.object_id, coalesce(t.path, af_o.path) AS path, t.how, t.inherited,
       t.from_wall_ns, t.until_wall_ns, t.from_boot_ns, t.until_boot_ns, t.event_id
FROM at_that_time AS t LEFT JOIN object AS af_o ON af_o.object_id = t.object_id
WHERE (path IS NULL AND fds IS NULL)
   OR (t.process_id, t.object_id) IN (SELECT (wanted.process_id, wanted.object_id) FROM wanted)
ORDER BY t.process_id, t.from_boot_ns, t.fd;
