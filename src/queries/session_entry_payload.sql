-- SPDX-License-Identifier: Apache-2.0
-- question:  What came in over the connection that this session was entered by, and what was answered?
-- reads:     sessions, event_by_object, io, process, _visible
-- parameter: session  session  the session
-- column:    wall_ns       BIGINT   when
-- column:    process_id    BIGINT   the process that read or wrote it
-- column:    name          VARCHAR  its command name
-- column:    direction     VARCHAR  'in' (from the other end) or 'out'
-- column:    size_bytes    BIGINT   moved
-- column:    text          VARCHAR  the captured bytes, those that are not printable ASCII as \xNN; NULL: not captured
-- column:    data          BLOB     the captured bytes; NULL: not captured
-- column:    before_start  BOOLEAN  true: it was on the host before the session began
-- column:    event_id      BIGINT   the event
-- column:    host          VARCHAR  name of the host
-- needs:     payload of sockets; without it text is NULL
-- limits:    as much of each call as was captured; encrypted connections show what the kernel saw
-- source:    FX-3
CREATE OR REPLACE MACRO session_entry_payload(session) AS TABLE
SELECT coalesce(yi.wall_ns, ye.wall_ns) AS wall_ns, ye.process_id, yp.name,
       CASE WHEN ye.kind IN ('read', 'recv') THEN 'in' ELSE 'out' END AS direction,
       coalesce(yi.size_bytes, ye.size_bytes) AS size_bytes,
       _visible(yi.data) AS text, yi.data, coalesce(yi.wall_ns, ye.wall_ns) <= ys.begin_wall_ns AS before_start, ye.event_id,
       ys.host
FROM sessions AS ys
JOIN event_by_object AS ye ON ye.object_id = ys.entry_flow_id
LEFT JOIN io AS yi ON yi.event_id = ye.event_id AND yi.process_id = ye.process_id
LEFT JOIN process AS yp ON yp.process_id = ye.process_id
WHERE ys.session_id = session AND ye.kind IN ('read', 'recv', 'write', 'send') AND ye.size_bytes > 0
ORDER BY coalesce(yi.boot_ns, ye.boot_ns), ye.event_id;
