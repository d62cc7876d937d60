-- SPDX-License-Identifier: Apache-2.0
-- question:  What does the observer that saw it best say of each connection?
-- reads:     flow
-- column:    connection_id      BIGINT   the connection
-- column:    flow_id            BIGINT   that observer's flow
-- column:    observer           VARCHAR  who
-- column:    begin_wall_ns      BIGINT   when it began, by that observer's clock
-- column:    end_wall_ns        BIGINT   last activity seen
-- column:    transport          VARCHAR  'tcp', 'udp' …
-- column:    application        VARCHAR  what was spoken, as whoever knows says
-- column:    source_ip          VARCHAR  who began it
-- column:    source_port        BIGINT   from which port
-- column:    destination_ip     VARCHAR  to whom
-- column:    destination_port   BIGINT   to which port
-- column:    source_packets     BIGINT   sent by who began it; NULL: nobody saw packets
-- column:    destination_packets BIGINT  sent by the other end
-- column:    source_bytes       BIGINT   carried from who began it, or, of who tells no such thing, of its frames
-- column:    destination_bytes  BIGINT   the same of the other end
-- limits:    observers that disagree: packets are believed before records of flows, those before sockets. Rows of packets one after
-- limits:    the other (a capture that was cut) add up; those at one time (captured twice) do not, nor where there are both
-- source:    HF-1
CREATE OR REPLACE VIEW _connection_best AS
WITH ranked AS (
  SELECT f.*, (CASE f.observer WHEN 'packets' THEN 4 WHEN 'sensor' THEN 2 WHEN 'zeek' THEN 3 WHEN 'suricata' THEN 3
                    WHEN 'argus' THEN 3 WHEN 'netflow' THEN 3 ELSE 0 END, f.flow_id = f.connection_id, f.flow_id) AS believed,
         (f.source_ip, f.source_port) <= (f.destination_ip, f.destination_port) AS ordered
  FROM flow AS f
), best AS (
  SELECT r.connection_id, arg_max(r.flow_id, r.believed) AS flow_id, arg_max(r.observer, r.believed) AS observer,
         arg_max(r.begin_wall_ns, r.believed) AS begin_wall_ns, arg_max(r.end_wall_ns, r.believed) AS end_wall_ns,
         arg_max(r.transport, r.believed) AS transport, arg_max(r.application, r.believed) AS application,
         arg_max(r.source_ip, r.believed) AS source_ip, arg_max(r.source_port, r.believed) AS source_port,
         arg_max(r.destination_ip, r.believed) AS destination_ip, arg_max(r.destination_port, r.believed) AS destination_port,
         arg_max(r.source_packets, r.believed) AS source_packets,
         arg_max(r.destination_packets, r.believed) AS destination_packets,
         arg_max(coalesce(r.source_bytes, r.source_frame_bytes), r.believed) AS source_bytes,
         arg_max(coalesce(r.destination_bytes, r.destination_frame_bytes), r.believed) AS destination_bytes,
         arg_max(r.ordered, r.believed) AS ordered,
         count(*) FILTER (r.observer = 'packets') AS packet_rows,
         sum(CAST(r.end_wall_ns AS HUGEINT) - r.begin_wall_ns) FILTER (r.observer = 'packets') AS lasted_ns,
         min(r.begin_wall_ns) FILTER (r.observer = 'packets') AS first_wall_ns,
         max(r.end_wall_ns) FILTER (r.observer = 'packets') AS last_wall_ns,
         sum(CASE WHEN r.ordered THEN r.source_packets ELSE r.destination_packets END) FILTER (r.observer = 'packets') AS one_packets,
         sum(CASE WHEN r.ordered THEN r.destination_packets ELSE r.source_packets END) FILTER (r.observer = 'packets') AS other_packets,
         sum(CASE WHEN r.ordered THEN r.source_bytes ELSE r.destination_bytes END) FILTER (r.observer = 'packets') AS one_bytes,
         sum(CASE WHEN r.ordered THEN r.destination_bytes ELSE r.source_bytes END) FILTER (r.observer = 'packets') AS other_bytes
  FROM ranked AS r GROUP BY r.connection_id
), judged AS (
  SELECT b.*, b.packet_rows > 1 AND b.lasted_ns <= CAST(b.last_wall_ns AS HUGEINT) - b.first_wall_ns
              AND CAST(b.last_wall_ns AS HUGEINT) - b.first_wall_ns >= 1000000 AS adds
  FROM best AS b
)
SELECT j.connection_id, j.flow_id, j.observer, j.begin_wall_ns,
       CASE WHEN j.adds THEN j.last_wall_ns ELSE j.end_wall_ns END AS end_wall_ns,
       j.transport, j.application, j.source_ip, j.source_port, j.destination_ip, j.destination_port,
       CASE WHEN j.adds THEN CAST(least(CASE WHEN j.ordered THEN j.one_packets ELSE j.other_packets END, 9223372036854775807) AS BIGINT)
            ELSE j.source_packets END AS source_packets,
       CASE WHEN j.adds THEN CAST(least(CASE WHEN j.ordered THEN j.other_packets ELSE j.one_packets END, 9223372036854775807) AS BIGINT)
            ELSE j.destination_packets END AS destination_packets,
       CASE WHEN j.adds THEN CAST(least(CASE WHEN j.ordered THEN j.one_bytes ELSE j.other_bytes END, 9223372036854775807) AS BIGINT)
            ELSE j.source_bytes END AS source_bytes,
       CASE WHEN j.adds THEN CAST(least(CASE WHEN j.ordered THEN j.other_bytes ELSE j.one_bytes END, 9223372036854775807) AS BIGINT)
            ELSE j.destination_bytes END AS destination_bytes
FROM judged AS j;
