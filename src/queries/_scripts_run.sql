-- SPDX-License-Identifier: Apache-2.0
-- question:  Which scripts were run by an interpreter: executed as programs, or named in its arguments?
-- reads:     exec, event, _program_name
-- parameter: processes  integers  who ran them
-- column:    event_id    BIGINT   the exec of the interpreter
-- column:    process_id  BIGINT   who ran it
-- column:    object_id   BIGINT   the script
-- column:    path        VARCHAR  its name as it was opened
-- limits:    the first of the interpreter's arguments that names a file which it opened; what it was given by a
--            pipe or descriptor is not here
-- source:    our own
CREATE OR REPLACE MACRO _scripts_run(processes) AS TABLE
WITH run AS (
  SELECT so_x.event_id, so_x.process_id, so_x.boot_ns, so_x.executable, so_x.working_directory, so_x.arguments,
         lead(so_x.boot_ns, 1, 9223372036854775807) OVER (PARTITION BY so_x.process_id ORDER BY so_x.boot_ns, so_x.event_id)
           AS until_ns
  FROM exec AS so_x
  WHERE so_x.result = 0
    AND so_x.process_id IN (SELECT unnest(CAST(processes AS BIGINT[])))
), named AS (
  SELECT r.event_id, r.process_id, r.boot_ns, r.until_ns, r.working_directory, unnest(r.arguments[2:8]) AS argument,
         unnest(range(2, 9)) AS place
  FROM run AS r
  WHERE regexp_matches(_program_name(r.executable),
    '^(sh|bash|rbash|dash|ash|zsh|ksh|mksh|fish|tcsh|csh|busybox|python|perl|ruby|node|nodejs|php|lua|tclsh|gawk|mawk)[0-9.]*$')
), file AS (
  SELECT n.event_id, n.process_id, n.boot_ns, n.until_ns, n.place,
         CASE WHEN n.argument LIKE '/%' THEN n.argument
              ELSE concat(n.working_directory, '/', regexp_replace(n.argument, '^(\./)+', '')) END AS path
  FROM named AS n WHERE n.argument <> '' AND n.argument NOT LIKE '-%'
)
SELECT f.event_id, f.process_id, arg_min(so_e.object_id, f.place) AS object_id, arg_min(so_e.path, f.place) AS path
FROM file AS f JOIN event AS so_e ON so_e.process_id = f.process_id AND so_e.path = f.path
WHERE so_e.kind = 'open' AND so_e.result >= 0 AND so_e.object_id IS NOT NULL
  AND so_e.boot_ns >= f.boot_ns AND so_e.boot_ns < f.until_ns
GROUP BY f.event_id, f.process_id;
