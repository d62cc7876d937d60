-- SPDX-License-Identifier: Apache-2.0
-- question:  Which scripts were run by an interpreter: executed as programs, or named in its arguments?
-- reads:     _processes_of, _scripts_run
-- parameter: process  process  the top of a tree; none: not by tree  [default]
-- parameter: session  session  a session; none: not by session  [default]
-- column:    event_id    BIGINT   the exec of the interpreter
-- column:    process_id  BIGINT   who ran it
-- column:    object_id   BIGINT   the script
-- column:    path        VARCHAR  its name as it was opened
-- limits:    as _scripts_run
-- source:    our own
CREATE OR REPLACE MACRO _scripts_of(process := NULL, session := NULL) AS TABLE
SELECT so.* FROM _scripts_run((
  SELECT list(so_p.process_id) FROM _processes_of(process := process, session := session) AS so_p)) AS so;
