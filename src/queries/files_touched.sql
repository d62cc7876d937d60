-- SPDX-License-Identifier: Apache-2.0
-- question:  Which files were touched, how, by how many processes, and when first and last?
-- reads:     event, event_by_object, object, exec, process, host, _processes_of, _is_canary
-- narrows:   tree
-- parameter: process  process  the top of a tree; none: not by tree  [default]
-- parameter: session  session  a session; none: not by session  [default]
-- column:    path           VARCHAR  the name used
-- column:    object_id      BIGINT   the file; NULL: known by name only
-- column:    opened         BOOLEAN  opened, for whatever
-- column:    refused        BOOLEAN  an attempt on it failed
-- column:    read           BOOLEAN  bytes were read
-- column:    written        BOOLEAN  bytes were written, or it was truncated
-- column:    created        BOOLEAN  made by the call, linked or renamed to this name; or opened with O_CREAT, where the record does not say whether it was there, before anyone was seen to use that name
-- column:    deleted        BOOLEAN  this name was removed
-- column:    renamed        BOOLEAN  renamed from or to this name
-- column:    executed       BOOLEAN  executed as a program
-- column:    changed        BOOLEAN  mode, owner, times or attributes were set
-- column:    read_bytes     BIGINT   read
-- column:    written_bytes  BIGINT   written
-- column:    processes      BIGINT   processes that touched it
-- column:    first_wall_ns  BIGINT   first touch
-- column:    last_wall_ns   BIGINT   last touch
-- column:    emptied        BOOLEAN  what it held was removed: truncated to nothing after it was there
-- column:    replaced       BOOLEAN  another file, or a link, was renamed over it: what it held is gone
-- column:    attributes     VARCHAR[]  what was set: 'mode 4755', 'owner 0:0', 'times', 'flags', names of extended attributes
-- column:    changed_wall_ns BIGINT  first change: written, created, emptied, replaced, deleted, renamed, attributes set; NULL: none
-- column:    type           VARCHAR  'file', 'directory', 'symlink' …
-- column:    host           VARCHAR  name of the host
-- limits:    reads and writes through memory mappings show as opened only. One row is one file under one name: a
--            name that went to another file has a row for each
-- source:    WAL-39, FX-19
CREATE OR REPLACE MACRO files_touched(process := NULL, session := NULL) AS TABLE
WITH subject AS MATERIALIZED (
  SELECT ft_s.process_id FROM _processes_of(process := process, session := session) AS ft_s
), touch AS (
  SELECT fe.event_id, fe.host_id, fe.process_id, fe.kind, fe.object_id, coalesce(fe.path, fo.path) AS name,
         fe.wall_ns, fe.boot_ns, fe.result, coalesce(fe.flags, 0) AS flags,
         coalesce(fe.size_bytes, 0) AS size_bytes, fe."value", fe.other_path AS attribute
  FROM event AS fe LEFT JOIN object AS fo ON fo.object_id = fe.object_id
  WHERE fe.process_id IN (SELECT subject.process_id FROM subject) AND NOT fe.baseline
    AND fe.kind IN ('open', 'read', 'write', 'send', 'recv', 'unlink', 'rename', 'link', 'symlink', 'chmod',
                    'chown', 'truncate', 'mkdir', 'mknod', 'set_attribute')
    AND (fo.type IS NULL OR fo.type IN ('file', 'directory', 'symlink', 'memfd', 'path',
                                        'character_device', 'block_device'))
  UNION ALL  -- the new name of a rename, link or symlink is touched as well, and what bore it before
  SELECT fe.event_id, fe.host_id, fe.process_id,
         CASE fe.kind WHEN 'rename' THEN 'renamed_to' ELSE 'linked_to' END,
         fe.object_id, fe.other_path, fe.wall_ns, fe.boot_ns, fe.result, 0, 0, NULL, NULL
  FROM event AS fe
  WHERE fe.process_id IN (SELECT subject.process_id FROM subject) AND fe.kind IN ('rename', 'link')
    AND fe.other_path IS NOT NULL
  UNION ALL
  SELECT fe.event_id, fe.host_id, fe.process_id, 'replaced', fe.other_object_id, fe.other_path, fe.wall_ns,
         fe.boot_ns, fe.result, 0, 0, NULL, NULL
  FROM event AS fe
  WHERE fe.process_id IN (SELECT subject.process_id FROM subject) AND fe.kind = 'rename' AND fe.result >= 0
    AND fe.other_path IS NOT NULL AND fe.other_object_id IS NOT NULL AND (coalesce(fe.flags, 0) & 2) = 0
    AND fe.other_object_id IS DISTINCT FROM fe.object_id
  UNION ALL
  SELECT fx.event_id, fxp.host_id, fx.process_id, 'exec', fx.object_id, fx.executable, fx.wall_ns, fx.boot_ns,
         fx.result, 0, 0, NULL, NULL
  FROM exec AS fx JOIN process AS fxp ON fxp.process_id = fx.process_id
  WHERE fx.process_id IN (SELECT subject.process_id FROM subject)
), named AS MATERIALIZED (
  SELECT touch.*, CASE WHEN fty.type <> 'path' THEN touch.object_id END AS known_id, fty.type
  FROM touch LEFT JOIN object AS fty ON fty.object_id = touch.object_id
  WHERE touch.name IS NOT NULL AND NOT _is_canary(touch.name, touch.result)
), nearest AS (  -- what is known by name only goes to the first file that is known to bear it
  SELECT n.host_id, n.name, arg_min(n.known_id, n.event_id) AS known_id FROM named AS n
  WHERE n.known_id IS NOT NULL GROUP BY n.host_id, n.name
), first_use AS (  -- where the record does not say whether the file was there
  SELECT fu.host_id, fu.path AS name, min(fu.event_id) AS event_id FROM event_by_object AS fu
  WHERE fu.path IN (SELECT n.name FROM named AS n
                    WHERE n.kind = 'open' AND (n.flags & 64) <> 0 AND (n.flags & 1610612736) = 0)
    AND fu.kind IN ('open', 'descriptor', 'mkdir', 'mknod', 'link', 'rename') AND fu.result >= 0
  GROUP BY fu.host_id, fu.path
), judged AS (
  SELECT n.*, coalesce(n.known_id, ne.known_id, n.object_id) AS file_id, n.result >= 0 AS done,
         n.result >= 0 AND (n.kind IN ('mkdir', 'mknod', 'symlink', 'renamed_to', 'linked_to')
           OR (n.kind = 'open' AND (n.flags & 64) <> 0 AND ((n.flags & 1073741824) <> 0
               OR ((n.flags & 536870912) = 0 AND ((n.flags & 128) <> 0 OR f.event_id = n.event_id))))) AS creates
  FROM named AS n
  LEFT JOIN nearest AS ne ON ne.host_id = n.host_id AND ne.name = n.name
  LEFT JOIN first_use AS f ON f.host_id = n.host_id AND f.name = n.name
), changed AS (
  SELECT j.*, j.done AND (j.creates OR j.kind IN ('unlink', 'rename', 'replaced', 'chmod', 'chown', 'truncate', 'set_attribute')
                          OR (j.kind IN ('write', 'send') AND j.size_bytes > 0)
                          OR (j.kind = 'open' AND (j.flags & 512) <> 0)) AS changes,
         j.done AND NOT j.creates AND ((j.kind = 'truncate' AND j."value" = 0)
                                       OR (j.kind = 'open' AND (j.flags & 512) <> 0)) AS empties,
         CASE WHEN NOT j.done THEN NULL WHEN j.kind = 'chmod' THEN format('mode {:o}', j."value" & 4095)
              WHEN j.kind = 'chown' THEN 'owner ' || (j."value" >> 32) || ':' || (j."value" & 4294967295)
              WHEN j.kind = 'open' AND j.creates AND (coalesce(j."value", 0) & 2048) <> 0
                THEN format('mode {:o}', j."value" & 4095)
              WHEN j.kind = 'set_attribute' THEN j.attribute END AS attribute_set
  FROM judged AS j
)
SELECT n.name AS path, n.file_id AS object_id,
       bool_or(n.kind = 'open' AND n.done) AS opened, bool_or(NOT n.done) AS refused,
       bool_or(n.kind IN ('read', 'recv') AND n.size_bytes > 0) AS "read",
       bool_or(n.done AND ((n.kind IN ('write', 'send') AND n.size_bytes > 0) OR n.kind = 'truncate'
               OR (n.kind = 'open' AND (n.flags & 512) <> 0))) AS written,
       bool_or(n.creates) AS created,
       bool_or(n.kind = 'unlink' AND n.done) AS deleted,
       bool_or(n.kind IN ('rename', 'renamed_to') AND n.done) AS renamed,
       bool_or(n.kind = 'exec' AND n.done) AS executed,
       bool_or(n.kind IN ('chmod', 'chown', 'set_attribute') AND n.done) AS changed,
       _bigint(sum(n.size_bytes) FILTER (WHERE n.kind IN ('read', 'recv'))) AS read_bytes,
       _bigint(sum(n.size_bytes) FILTER (WHERE n.kind IN ('write', 'send'))) AS written_bytes,
       count(DISTINCT n.process_id) AS processes, min(n.wall_ns) AS first_wall_ns,
       max(n.wall_ns) AS last_wall_ns, bool_or(n.empties) AS emptied, bool_or(n.kind = 'replaced') AS replaced,
       coalesce(list(DISTINCT n.attribute_set ORDER BY n.attribute_set)
                  FILTER (WHERE n.attribute_set IS NOT NULL), []) AS attributes,
       min(n.wall_ns) FILTER (WHERE n.changes) AS changed_wall_ns, arg_max(n.type, n.event_id) AS type,
       any_value(fh.name) AS host
FROM changed AS n LEFT JOIN host AS fh ON fh.host_id = n.host_id
GROUP BY n.host_id, n.name, n.file_id
ORDER BY first_wall_ns, n.name, n.file_id;
