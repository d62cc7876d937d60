-- SPDX-License-Identifier: Apache-2.0
-- question:  What came in over the connection that this session was entered by, and what was answered?
-- reads:     sessions, event_by_object, io, process
-- parameter: session  session  the session
-- column:    wall_ns       BIGINT   when
-- column:    process_id    BIGINT   the process that read or wrote it
-- column:    name          VARCHAR  its command name
-- column:    direction     VARCHAR  'in' (from the other end) or 'out'
-- column:    size_bytes    BIGINT   moved
-- column:    text          VARCHAR  the captured bytes, those that are not printable ASCII as \xNN; NULL: not captured
-- column:    before_start  BOOLEAN  true: it was on the host before the session began
-- column:    event_id      BIGINT   the event
-- needs:     payload of sockets; without it text is NULL
-- limits:    as much of each call as was captured; encrypted connections show what the kernel saw
-- source:    FX-3
CREATE OR REPLACE MACRO session_entry_payload(session) AS TABLE
SELECT ye.wall_ns, ye.process_id, yp.name,
       CASE WHEN ye.kind IN ('read', 'recv') THEN 'in' ELSE 'out' END AS direction, ye.size_bytes,
       CAST(yi.data AS VARCHAR) AS text, ye.wall_ns <= ys.begin_wall_ns AS before_start, ye.event_id
FROM sessions AS ys
JOIN event_by_object AS ye ON ye.object_id = ys.entry_flow_id
LEFT JOIN io AS yi ON yi.event_id = ye.event_id AND yi.process_id = ye.process_id
LEFT JOIN process AS yp ON yp.process_id = ye.process_id
WHERE ys.session_id = session AND ye.kind IN ('read', 'recv', 'write', 'send') AND ye.result > 0
ORDER BY ye.boot_ns, ye.event_id;
