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
-- limits:    observers that disagree: packets are believed before records of flows, those before sockets
-- source:    HF-1
CREATE OR REPLACE VIEW _connection_best AS
WITH ranked AS (
  SELECT f.*, CASE f.observer WHEN 'packets' THEN 4 WHEN 'sensor' THEN 2 WHEN 'zeek' THEN 3 WHEN 'suricata' THEN 3
                   WHEN 'argus' THEN 3 WHEN 'netflow' THEN 3 ELSE 0 END AS believed
  FROM flow AS f
)
SELECT r.connection_id, arg_max(r.flow_id, (r.believed, r.flow_id)) AS flow_id,
       arg_max(r.observer, (r.believed, r.flow_id)) AS observer,
       arg_max(r.begin_wall_ns, (r.believed, r.flow_id)) AS begin_wall_ns,
       arg_max(r.end_wall_ns, (r.believed, r.flow_id)) AS end_wall_ns,
       arg_max(r.transport, (r.believed, r.flow_id)) AS transport,
       arg_max(r.application, (r.believed, r.flow_id)) AS application,
       arg_max(r.source_ip, (r.believed, r.flow_id)) AS source_ip,
       arg_max(r.source_port, (r.believed, r.flow_id)) AS source_port,
       arg_max(r.destination_ip, (r.believed, r.flow_id)) AS destination_ip,
       arg_max(r.destination_port, (r.believed, r.flow_id)) AS destination_port,
       arg_max(r.source_packets, (r.believed, r.flow_id)) AS source_packets,
       arg_max(r.destination_packets, (r.believed, r.flow_id)) AS destination_packets,
       arg_max(coalesce(r.source_bytes, r.source_frame_bytes), (r.believed, r.flow_id)) AS source_bytes,
       arg_max(coalesce(r.destination_bytes, r.destination_frame_bytes), (r.believed, r.flow_id)) AS destination_bytes
FROM ranked AS r GROUP BY r.connection_id;
