-- SPDX-License-Identifier: Apache-2.0
-- question:  What was changed that will run, or let someone in, again later?
-- reads:     files_touched, event, exec, object_name, _processes_of, _way_back, _program_name
-- narrows:   tree
-- parameter: process  process  the top of a tree; none: not by tree  [default]
-- parameter: session  session  a session; none: not by session  [default]
-- column:    means          VARCHAR  'scheduled job', 'service', 'key', 'shell start-up file', 'account', 'loader', 'module', 'start-up script', 'program', 'library' (where all look for them); 'setuid program', 'program with capabilities'
-- column:    path           VARCHAR  the file
-- column:    object_id      BIGINT   its id; NULL: known by name only
-- column:    created        BOOLEAN  as in files_touched
-- column:    written        BOOLEAN  bytes were written
-- column:    deleted        BOOLEAN  removed again, or replaced by another file
-- column:    written_bytes  BIGINT   written
-- column:    first_wall_ns  BIGINT   first change
-- column:    last_wall_ns   BIGINT   last touch
-- column:    how            VARCHAR  what was done: 'created', 'written', 'emptied', 'replaced', 'deleted', 'mode 4755' …
-- column:    known_as       VARCHAR  the well-known name, where it was changed under another one (a hard link, before a rename)
-- column:    host           VARCHAR  name of the host
-- limits:    the well-known places only. Programs and libraries that only a package manager put there are left
--            out. A file that holds a setuid bit or capabilities that were there before is not here; of the names
--            that a file had in one folder the last is told
-- source:    ATT&CK TA0003
CREATE OR REPLACE MACRO persistence(process := NULL, session := NULL) AS TABLE
WITH touched AS MATERIALIZED (
  SELECT pt.* REPLACE (CASE WHEN pt.object_id IS NULL OR NOT pt.renamed THEN pt.attributes  -- else under all its names
           ELSE list_sort(list_distinct(flatten(list(pt.attributes) OVER (PARTITION BY pt.host, pt.object_id)))) END
           AS attributes)
  FROM files_touched(process := process, session := session) AS pt
  WHERE pt.changed_wall_ns IS NOT NULL
), other_name AS (  -- of files that were changed under a name that says nothing
  SELECT pn.object_id, list(pn.path ORDER BY pn.from_boot_ns, pn.path)[1] AS path FROM object_name AS pn
  WHERE pn.object_id IN (SELECT t.object_id FROM touched AS t WHERE _way_back(t.path) IS NULL)
    AND _way_back(pn.path) IS NOT NULL
  GROUP BY pn.object_id
), placed AS MATERIALIZED (
  SELECT t.*, CASE WHEN o.path IS NOT NULL AND t.path IS DISTINCT FROM o.path THEN o.path END AS known_as,
         CASE WHEN len(list_filter(t.attributes, a -> regexp_matches(a, '^mode [4-7][0-7]{3}$'))) > 0
                THEN 'setuid program'
              WHEN list_contains(t.attributes, 'security.capability') THEN 'program with capabilities'
              ELSE coalesce(_way_back(t.path), _way_back(o.path)) END AS means
  FROM touched AS t LEFT JOIN other_name AS o ON o.object_id = t.object_id
  WHERE t.type IS DISTINCT FROM 'directory'
), by_hand AS (
  SELECT DISTINCT pe.path FROM (
    SELECT pe_d.process_id, pe_d.boot_ns, unnest([pe_d.path, pe_d.other_path]) AS path FROM event AS pe_d
    WHERE pe_d.process_id IN (SELECT pe_s.process_id FROM _processes_of(process := process, session := session) AS pe_s)
      AND pe_d.result >= 0 AND (pe_d.kind IN ('rename', 'link', 'symlink', 'unlink', 'truncate', 'chmod', 'chown', 'set_attribute')
        OR (pe_d.kind = 'open' AND (coalesce(pe_d.flags, 0) & 3) <> 0))) AS pe
  ASOF LEFT JOIN (SELECT pe_y.process_id, pe_y.boot_ns, pe_y.executable FROM exec AS pe_y WHERE pe_y.result = 0) AS pe_x
    ON pe_x.process_id = pe.process_id AND pe_x.boot_ns <= pe.boot_ns
  WHERE pe.path IN (SELECT placed.path FROM placed WHERE placed.means IN ('program', 'library'))
    AND NOT coalesce(regexp_matches(_program_name(pe_x.executable), '^(dpkg|rpm|apk|pacman|ldconfig(\.real)?|update-alternatives)$'), FALSE)
)
SELECT p.means, p.path, p.object_id, p.created, p.written, p.deleted OR p.replaced AS deleted,
       p.written_bytes, p.changed_wall_ns AS first_wall_ns, p.last_wall_ns,
       array_to_string(list_concat(
         list_filter([CASE WHEN p.created THEN 'created' END, CASE WHEN p.emptied THEN 'emptied' END,
                      CASE WHEN coalesce(p.written_bytes, 0) > 0 THEN 'written' END,
                      CASE WHEN p.renamed AND NOT p.created THEN 'renamed' END,
                      CASE WHEN p.replaced THEN 'replaced' END, CASE WHEN p.deleted THEN 'deleted' END],
                     w -> w IS NOT NULL), p.attributes), ', ') AS how,
       p.known_as, p.host
FROM placed AS p
WHERE p.means IS NOT NULL
  AND (p.means NOT IN ('program', 'library') OR p.path IN (SELECT by_hand.path FROM by_hand))
  AND NOT (p.renamed AND EXISTS (  -- under its last name it is told
    SELECT 1 FROM placed AS later
    WHERE later.object_id = p.object_id AND later.path <> p.path AND later.renamed AND later.means IS NOT NULL
      AND later.changed_wall_ns > p.changed_wall_ns
      AND parse_dirpath(later.path) = parse_dirpath(p.path)))
ORDER BY first_wall_ns, p.path;
