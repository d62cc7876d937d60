-- SPDX-License-Identifier: Apache-2.0
-- question:  Which files were touched, how, by how many processes, and when first and last?
-- reads:     event, object, exec, _processes_of, _is_canary
-- parameter: process  process  the top of a tree; none: not by tree  [default]
-- parameter: session  session  a session; none: not by session  [default]
-- column:    path           VARCHAR  the name used
-- column:    object_id      BIGINT   the file; NULL: known by name only
-- column:    opened         BOOLEAN  opened, for whatever
-- column:    refused        BOOLEAN  an attempt on it failed
-- column:    read           BOOLEAN  bytes were read
-- column:    written        BOOLEAN  bytes were written, or it was truncated
-- column:    created        BOOLEAN  made by the call, or opened with O_CREAT before anyone was seen to use that name
-- column:    deleted        BOOLEAN  this name was removed
-- column:    renamed        BOOLEAN  renamed from or to this name
-- column:    executed       BOOLEAN  executed as a program
-- column:    changed        BOOLEAN  mode or owner were set
-- column:    read_bytes     BIGINT   read
-- column:    written_bytes  BIGINT   written
-- column:    processes      BIGINT   processes that touched it
-- column:    first_wall_ns  BIGINT   first touch
-- column:    last_wall_ns   BIGINT   last touch
-- limits:    reads and writes through memory mappings show as opened only; a file that was there before the
--            recording and is opened with O_CREAT shows as created unless the open is seen to fail
-- source:    WAL-39, FX-19
CREATE OR REPLACE MACRO files_touched(process := NULL, session := NULL) AS TABLE
WITH subject AS MATERIALIZED (
  SELECT ft_s.process_id FROM _processes_of(process := process, session := session) AS ft_s
), touch AS (
  SELECT fe.event_id, fe.process_id, fe.kind, fe.object_id, coalesce(fe.path, fo.path) AS name,
         fe.wall_ns, fe.boot_ns, fe.result, coalesce(fe.flags, 0) AS flags,
         coalesce(fe.size_bytes, 0) AS size_bytes
  FROM event AS fe LEFT JOIN object AS fo ON fo.object_id = fe.object_id
  WHERE fe.process_id IN (SELECT subject.process_id FROM subject) AND NOT fe.baseline
    AND fe.kind IN ('open', 'read', 'write', 'send', 'recv', 'unlink', 'rename', 'link', 'symlink', 'chmod',
                    'chown', 'truncate', 'mkdir', 'mknod', 'set_attribute')
    AND (fo.type IS NULL OR fo.type IN ('file', 'directory', 'symlink', 'memfd', 'path',
                                        'character_device', 'block_device'))
  UNION ALL  -- the new name of a rename, link or symlink is touched as well
  SELECT fe.event_id, fe.process_id, CASE fe.kind WHEN 'rename' THEN 'renamed_to' ELSE 'linked_to' END,
         fe.object_id, fe.other_path, fe.wall_ns, fe.boot_ns, fe.result, 0, 0
  FROM event AS fe
  WHERE fe.process_id IN (SELECT subject.process_id FROM subject) AND fe.kind IN ('rename', 'link')
    AND fe.other_path IS NOT NULL
  UNION ALL
  SELECT fx.event_id, fx.process_id, 'exec', fx.object_id, fx.executable, fx.wall_ns, fx.boot_ns,
         fx.result, 0, 0
  FROM exec AS fx WHERE fx.process_id IN (SELECT subject.process_id FROM subject)
), named AS (
  SELECT touch.* FROM touch
  WHERE touch.name IS NOT NULL AND NOT _is_canary(touch.name, touch.result)
), first_use AS (
  SELECT fu.path AS name, min(fu.event_id) AS event_id FROM event AS fu
  WHERE fu.path IN (SELECT n.name FROM named AS n WHERE n.kind = 'open' AND (n.flags & 64) <> 0)
    AND fu.kind IN ('open', 'descriptor', 'mkdir', 'mknod', 'link', 'rename') AND fu.result >= 0
  GROUP BY fu.path
)
SELECT n.name AS path, arg_max(n.object_id, n.boot_ns) AS object_id,
       bool_or(n.kind = 'open' AND n.result >= 0) AS opened, bool_or(n.result < 0) AS refused,
       bool_or(n.kind IN ('read', 'recv') AND n.size_bytes > 0) AS "read",
       bool_or(n.result >= 0 AND ((n.kind IN ('write', 'send') AND n.size_bytes > 0) OR n.kind = 'truncate'
               OR (n.kind = 'open' AND (n.flags & 512) <> 0))) AS written,
       bool_or(n.result >= 0 AND (n.kind IN ('mkdir', 'mknod', 'symlink', 'renamed_to', 'linked_to')
               OR (n.kind = 'open' AND (n.flags & 64) <> 0
                   AND ((n.flags & 128) <> 0 OR f.event_id = n.event_id)))) AS created,
       bool_or(n.kind = 'unlink' AND n.result >= 0) AS deleted,
       bool_or(n.kind IN ('rename', 'renamed_to') AND n.result >= 0) AS renamed,
       bool_or(n.kind = 'exec' AND n.result >= 0) AS executed,
       bool_or(n.kind IN ('chmod', 'chown', 'set_attribute') AND n.result >= 0) AS changed,
       _bigint(sum(n.size_bytes) FILTER (WHERE n.kind IN ('read', 'recv'))) AS read_bytes,
       _bigint(sum(n.size_bytes) FILTER (WHERE n.kind IN ('write', 'send'))) AS written_bytes,
       count(DISTINCT n.process_id) AS processes, min(n.wall_ns) AS first_wall_ns,
       max(n.wall_ns) AS last_wall_ns
FROM named AS n LEFT JOIN first_use AS f ON f.name = n.name
GROUP BY n.name
ORDER BY first_wall_ns, n.name;
