-- SPDX-License-Identifier: Apache-2.0
-- question:  What did this process read and write on these descriptors, when, and what were the bytes?
-- reads:     event, io, object, _visible, host
-- narrows:   process
-- parameter: process  process   the process
-- parameter: fds      integers  the descriptors; none: all  [default]
-- column:    wall_ns     BIGINT   end of the (last merged) call
-- column:    process_id  BIGINT   the process
-- column:    fd          BIGINT   the descriptor
-- column:    direction   VARCHAR  'in' (read, recv) or 'out' (write, send)
-- column:    object_id   BIGINT   what was read or written
-- column:    path        VARCHAR  its name
-- column:    size_bytes  BIGINT   moved
-- column:    count       BIGINT   calls merged; captured bytes are not merged
-- column:    text        VARCHAR  the captured bytes, those that are not printable ASCII as \xNN
-- column:    data        BLOB     the captured bytes; NULL: not captured
-- column:    event_id    BIGINT   the event
-- column:    captured_bytes BIGINT   how many of size_bytes are in data; NULL: none
-- column:    host        VARCHAR  name of the host
-- needs:     payload of what is asked about (profile honeypot, or a policy that asks for it); without it data is NULL
-- limits:    as much of each call as was captured: compare size_bytes with the length of data
-- source:    Forensix IO (FX-34)
CREATE OR REPLACE MACRO io(process, fds := NULL) AS TABLE
SELECT coalesce(ip.wall_ns, ie.wall_ns) AS wall_ns, ie.process_id, ie.fd,
       CASE WHEN ie.kind IN ('read', 'recv') THEN 'in' ELSE 'out' END AS direction,
       ie.object_id, coalesce(ie.path, ib.path) AS path,
       coalesce(ip.size_bytes, ie.size_bytes) AS size_bytes,
       CASE WHEN ip.event_id IS NULL THEN ie.count ELSE 1 END AS count,
       _visible(ip.data) AS text, ip.data, ie.event_id,
       octet_length(ip.data) AS captured_bytes, ie_h.name AS host
FROM event AS ie
LEFT JOIN host AS ie_h ON ie_h.host_id = ie.host_id
LEFT JOIN io AS ip ON ip.event_id = ie.event_id AND ip.process_id = ie.process_id
LEFT JOIN object AS ib ON ib.object_id = ie.object_id
WHERE ie.process_id = process AND ie.kind IN ('read', 'recv', 'write', 'send') AND ie.result >= 0
  AND (fds IS NULL OR list_contains(fds, ie.fd))
ORDER BY coalesce(ip.boot_ns, ie.boot_ns), ie.event_id;
