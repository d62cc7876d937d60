-- SPDX-License-Identifier: Apache-2.0
-- question:  Which processes are meant by this process with its descendants, by this session, or by neither (all)?
-- reads:     process, children, _session_walk
-- parameter: process  process  the top of a tree; none: not by tree  [default]
-- parameter: session  session  a session; none: not by session  [default]
-- column:    process_id  BIGINT  a process meant
-- limits:    as children and sessions
-- source:    our own
CREATE OR REPLACE MACRO _processes_of(process := NULL, session := NULL) AS TABLE
SELECT po.process_id FROM process AS po
WHERE (process IS NULL AND session IS NULL) OR po.process_id = process
UNION
SELECT po_below.process_id FROM children(process) AS po_below
UNION
SELECT po_member.process_id FROM _session_walk AS po_member WHERE po_member.session_id = session;
