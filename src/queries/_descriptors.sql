-- SPDX-License-Identifier: Apache-2.0
-- question:  What did each descriptor of these processes refer to, from when until when?
-- reads:     process, _lineage, event, exec
-- parameter: processes  integers  whose descriptors
-- parameter: uses       structs   {process_id, fd}: only these descriptors of them; none: all  [default]
-- column:    process_id     BIGINT   the process
-- column:    fd             BIGINT   the descriptor
-- column:    object_id      BIGINT   what it referred to
-- column:    path           VARCHAR  its name in the call that made it so
-- column:    how            VARCHAR  'open', 'dup', 'pipe', 'socket', 'accept' …; 'seen': first known from its use
-- column:    inherited      BOOLEAN  true: an ancestor had it and it came over fork
-- column:    from_boot_ns   BIGINT   begin of that, not before the process began
-- column:    until_boot_ns  BIGINT   end (close, dup over it, exec with O_CLOEXEC); NULL: not seen
-- column:    event_id       BIGINT   the event that made it so
-- limits:    descriptors set close-on-exec later by fcntl stay in the list until used otherwise;
--            descriptors passed over a unix socket, or shared by CLONE_FILES, are known from first use
-- source:    Forensix All_FDs (FX-31), its inner part
CREATE OR REPLACE MACRO _descriptors(processes, uses := NULL) AS TABLE
-- One time line for each process and what it inherited: its own events, those of its parent before
-- it was forked, those of the grandparent before the parent was, and so on. What was inherited is
-- looked up for the descriptors that are asked for: children are many, and have all of their parent's.
WITH line AS MATERIALIZED (
  SELECT d_line.* FROM _lineage(processes) AS d_line
), used AS MATERIALIZED (
  SELECT DISTINCT d_u.process_id, d_u.fd
  FROM (SELECT unnest(CAST(uses AS STRUCT(process_id BIGINT, fd BIGINT)[]), recursive := true)) AS d_u
), seen AS MATERIALIZED (
  SELECT e.process_id AS line_process_id, e.event_id, e.end_boot_ns AS at_boot_ns, e.kind, e.fd, e.other_fd,
         e.object_id, e.other_object_id, e.path, coalesce(e.flags, 0) AS flags
  FROM event AS e
  WHERE e.process_id IN (SELECT line.line_process_id FROM line) AND e.fd IS NOT NULL
    AND (e.result >= 0 OR e.kind = 'connect')
    AND e.kind IN ('open', 'dup', 'pipe', 'socketpair', 'socket', 'accept', 'descriptor', 'close',
                   'read', 'write', 'send', 'recv', 'bind', 'listen', 'connect')
), made AS (  -- object_id NULL: closed
  SELECT s.line_process_id, s.event_id, s.at_boot_ns, s.fd, s.object_id, s.path, s.kind AS how, s.flags
  FROM seen AS s
  WHERE s.kind IN ('open', 'pipe', 'socketpair', 'socket', 'accept', 'descriptor')
  UNION ALL
  SELECT s.line_process_id, s.event_id, s.at_boot_ns, s.other_fd, s.object_id, s.path, s.kind, s.flags
  FROM seen AS s WHERE s.kind = 'dup' AND s.fd <> s.other_fd
  UNION ALL
  SELECT s.line_process_id, s.event_id, s.at_boot_ns, s.other_fd, s.other_object_id, NULL, s.kind, s.flags
  FROM seen AS s WHERE s.kind IN ('pipe', 'socketpair')
  UNION ALL
  SELECT s.line_process_id, s.event_id, s.at_boot_ns, s.fd, s.object_id, s.path, 'seen', 0
  FROM seen AS s
  WHERE s.kind IN ('read', 'write', 'send', 'recv', 'bind', 'listen', 'connect')
    AND s.object_id IS NOT NULL
  UNION ALL
  SELECT s.line_process_id, s.event_id, s.at_boot_ns, s.fd, NULL, NULL, s.kind, 0
  FROM seen AS s WHERE s.kind = 'close' AND coalesce(s.other_fd, s.fd) <= s.fd
), points AS (
  SELECT line.process_id, line.depth, made.* EXCLUDE (line_process_id)
  FROM made JOIN line ON line.line_process_id = made.line_process_id AND made.at_boot_ns <= line.cut_boot_ns
  WHERE uses IS NULL
  UNION ALL
  SELECT line.process_id, line.depth, made.* EXCLUDE (line_process_id)
  FROM used JOIN line ON line.process_id = used.process_id
  JOIN made ON made.line_process_id = line.line_process_id AND made.fd = used.fd
    AND made.at_boot_ns <= line.cut_boot_ns
), changes AS (  -- a use that shows what was known already says nothing new
  SELECT points.*, lag(points.object_id) OVER by_fd AS object_before
  FROM points
  WINDOW by_fd AS (PARTITION BY points.process_id, points.fd ORDER BY points.at_boot_ns, points.event_id)
), spans AS (
  SELECT changes.*, lead(changes.at_boot_ns) OVER by_fd AS next_boot_ns
  FROM changes
  WHERE changes.how <> 'seen' OR changes.object_id IS DISTINCT FROM changes.object_before
  WINDOW by_fd AS (PARTITION BY changes.process_id, changes.fd ORDER BY changes.at_boot_ns, changes.event_id)
), closes AS (  -- close_range, and exec for O_CLOEXEC (02000000)
  SELECT line.process_id, s.at_boot_ns, s.fd AS first_fd, s.other_fd AS last_fd, FALSE AS on_exec
  FROM seen AS s JOIN line ON line.line_process_id = s.line_process_id AND s.at_boot_ns <= line.cut_boot_ns
  WHERE s.kind = 'close' AND s.other_fd > s.fd
  UNION ALL
  SELECT line.process_id, x.boot_ns, 0, 9223372036854775807, TRUE
  FROM exec AS x JOIN line ON x.process_id = line.line_process_id
  WHERE x.result = 0 AND x.boot_ns <= line.cut_boot_ns
), ended AS (
  SELECT spans.process_id, spans.event_id, spans.fd, spans.object_id, any_value(spans.path) AS path,
         any_value(spans.how) AS how, any_value(spans.depth) AS depth,
         any_value(spans.at_boot_ns) AS from_boot_ns,
         least(any_value(spans.next_boot_ns), min(closes.at_boot_ns)) AS until_boot_ns
  FROM spans
  LEFT JOIN closes ON closes.process_id = spans.process_id AND closes.at_boot_ns > spans.at_boot_ns
    AND spans.fd BETWEEN closes.first_fd AND closes.last_fd
    AND (NOT closes.on_exec OR (spans.flags & 524288) <> 0)
  WHERE spans.object_id IS NOT NULL
  GROUP BY spans.process_id, spans.event_id, spans.fd, spans.object_id
)
SELECT ended.process_id, ended.fd, ended.object_id, ended.path, ended.how, ended.depth > 0 AS inherited,
       greatest(ended.from_boot_ns, d_own.start_boot_ns) AS from_boot_ns,
       least(ended.until_boot_ns, d_own.end_boot_ns) AS until_boot_ns, ended.event_id
FROM ended JOIN process AS d_own ON d_own.process_id = ended.process_id
WHERE ended.until_boot_ns IS NULL OR ended.until_boot_ns > d_own.start_boot_ns
ORDER BY ended.process_id, from_boot_ns, ended.fd;
