-- SPDX-License-Identifier: Apache-2.0
-- question:  What did each descriptor of this process refer to, from when until when?
-- reads:     process, parents, event, exec
-- parameter: process  process  whose descriptors
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
CREATE OR REPLACE MACRO _descriptors(process) AS TABLE
-- One time line for the process and what it inherited: its own events, those of its parent before
-- it was forked, those of the grandparent before the parent was, and so on.
WITH lineage AS (
  SELECT d_self.process_id, 0 AS depth, d_self.start_boot_ns, d_self.end_boot_ns
  FROM process AS d_self WHERE d_self.process_id = process
  UNION ALL
  SELECT d_up.process_id, d_up.depth, d_row.start_boot_ns, d_row.end_boot_ns
  FROM parents(process) AS d_up JOIN process AS d_row ON d_row.process_id = d_up.process_id
), bounded AS (
  SELECT lineage.process_id, lineage.depth, lineage.start_boot_ns AS birth_boot_ns,
         coalesce(lag(lineage.start_boot_ns) OVER (ORDER BY lineage.depth),
                  9223372036854775807) AS cut_boot_ns
  FROM lineage
), seen AS (
  SELECT e.event_id, e.end_boot_ns AS at_boot_ns, e.kind, e.fd, e.other_fd, e.object_id,
         e.other_object_id, e.path, coalesce(e.flags, 0) AS flags, bounded.depth
  FROM event AS e JOIN bounded ON e.process_id = bounded.process_id
  WHERE e.end_boot_ns <= bounded.cut_boot_ns AND e.fd IS NOT NULL
    AND (e.result >= 0 OR e.kind = 'connect')
    AND e.kind IN ('open', 'dup', 'pipe', 'socketpair', 'socket', 'accept', 'descriptor', 'close',
                   'read', 'write', 'send', 'recv', 'bind', 'listen', 'connect')
), points AS (  -- object_id NULL: closed
  SELECT s.event_id, s.at_boot_ns, s.fd, s.object_id, s.path, s.kind AS how, s.flags, s.depth
  FROM seen AS s
  WHERE s.kind IN ('open', 'pipe', 'socketpair', 'socket', 'accept', 'descriptor')
  UNION ALL
  SELECT s.event_id, s.at_boot_ns, s.other_fd, s.object_id, s.path, s.kind, s.flags, s.depth
  FROM seen AS s WHERE s.kind = 'dup' AND s.fd <> s.other_fd
  UNION ALL
  SELECT s.event_id, s.at_boot_ns, s.other_fd, s.other_object_id, NULL, s.kind, s.flags, s.depth
  FROM seen AS s WHERE s.kind IN ('pipe', 'socketpair')
  UNION ALL
  SELECT s.event_id, s.at_boot_ns, s.fd, s.object_id, s.path, 'seen', 0, s.depth
  FROM seen AS s
  WHERE s.kind IN ('read', 'write', 'send', 'recv', 'bind', 'listen', 'connect')
    AND s.object_id IS NOT NULL
  UNION ALL
  SELECT s.event_id, s.at_boot_ns, s.fd, NULL, NULL, s.kind, 0, s.depth
  FROM seen AS s WHERE s.kind = 'close' AND coalesce(s.other_fd, s.fd) <= s.fd
), changes AS (  -- a use that shows what was known already says nothing new
  SELECT points.*,
         lag(points.object_id) OVER (PARTITION BY points.fd
                                     ORDER BY points.at_boot_ns, points.event_id) AS object_before
  FROM points
), spans AS (
  SELECT changes.*,
         lead(changes.at_boot_ns) OVER (PARTITION BY changes.fd
                                        ORDER BY changes.at_boot_ns, changes.event_id) AS next_boot_ns
  FROM changes
  WHERE changes.how <> 'seen' OR changes.object_id IS DISTINCT FROM changes.object_before
), closes AS (  -- close_range, and exec for O_CLOEXEC (02000000)
  SELECT s.at_boot_ns, s.fd AS first_fd, s.other_fd AS last_fd, FALSE AS on_exec
  FROM seen AS s WHERE s.kind = 'close' AND s.other_fd > s.fd
  UNION ALL
  SELECT x.boot_ns, 0, 9223372036854775807, TRUE
  FROM exec AS x JOIN bounded ON x.process_id = bounded.process_id
  WHERE x.result = 0 AND x.boot_ns <= bounded.cut_boot_ns
), ended AS (
  SELECT spans.event_id, spans.fd, spans.object_id, any_value(spans.path) AS path,
         any_value(spans.how) AS how, any_value(spans.depth) AS depth,
         any_value(spans.at_boot_ns) AS from_boot_ns,
         least(any_value(spans.next_boot_ns), min(closes.at_boot_ns)) AS until_boot_ns
  FROM spans
  LEFT JOIN closes ON closes.at_boot_ns > spans.at_boot_ns
    AND spans.fd BETWEEN closes.first_fd AND closes.last_fd
    AND (NOT closes.on_exec OR (spans.flags & 524288) <> 0)
  WHERE spans.object_id IS NOT NULL
  GROUP BY spans.event_id, spans.fd, spans.object_id
)
SELECT ended.fd, ended.object_id, ended.path, ended.how, ended.depth > 0 AS inherited,
       greatest(ended.from_boot_ns, lineage.start_boot_ns) AS from_boot_ns,
       least(ended.until_boot_ns, lineage.end_boot_ns) AS until_boot_ns, ended.event_id
FROM ended, lineage
WHERE lineage.depth = 0
  AND (ended.until_boot_ns IS NULL OR ended.until_boot_ns > lineage.start_boot_ns)
ORDER BY from_boot_ns, ended.fd;
