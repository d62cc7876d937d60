-- SPDX-License-Identifier: Apache-2.0
-- question:  Which addresses moved the most?
-- reads:     _connection_best
-- parameter: start  time     begin of the span; none: the first  [default]
-- parameter: end    time     end of the span; none: the last  [default]
-- column:    ip               VARCHAR  the address
-- column:    connections      BIGINT   that it was an end of
-- column:    begun            BIGINT   of these, begun by it
-- column:    peers            BIGINT   addresses at the other ends
-- column:    sent_bytes       BIGINT   from it, as the best observer of each connection counts
-- column:    received_bytes   BIGINT   to it
-- column:    sent_packets     BIGINT   NULL: nobody saw packets
-- column:    first_wall_ns    BIGINT   first activity
-- column:    last_wall_ns     BIGINT   last activity
-- limits:    a connection counts once, with all of its bytes, when it overlaps the span; as _connection_best
-- source:    WAL-21
CREATE OR REPLACE MACRO top_talkers("start" := NULL, "end" := NULL) AS TABLE
WITH side AS (
  SELECT tc.source_ip AS ip, tc.destination_ip AS peer, 1 AS begun, tc.source_bytes AS sent, tc.destination_bytes AS received,
         tc.source_packets AS packets, tc.begin_wall_ns, tc.end_wall_ns
  FROM _connection_best AS tc
  UNION ALL
  SELECT tc.destination_ip, tc.source_ip, 0, tc.destination_bytes, tc.source_bytes, tc.destination_packets, tc.begin_wall_ns, tc.end_wall_ns
  FROM _connection_best AS tc
)
SELECT ts.ip, count(*) AS connections, _bigint(sum(ts.begun)) AS begun, count(DISTINCT ts.peer) AS peers,
       _bigint(sum(ts.sent)) AS sent_bytes, _bigint(sum(ts.received)) AS received_bytes, _bigint(sum(ts.packets)) AS sent_packets,
       min(ts.begin_wall_ns) AS first_wall_ns, max(ts.end_wall_ns) AS last_wall_ns
FROM side AS ts
WHERE ("start" IS NULL OR ts.end_wall_ns >= "start") AND ("end" IS NULL OR ts.begin_wall_ns <= "end")
GROUP BY ts.ip
ORDER BY coalesce(sent_bytes, 0)::DOUBLE + coalesce(received_bytes, 0) DESC, ts.ip;
