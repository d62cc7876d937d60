-- SPDX-License-Identifier: Apache-2.0
-- question:  What do the connections add up to by their source or destination, address or port?
-- reads:     _connection_best
-- parameter: by                text     'source_ip', 'destination_ip', 'source_port', 'destination_port', 'transport' or 'application'
-- parameter: source            text     only from this address  [default]
-- parameter: destination       text     only to this address  [default]
-- parameter: port              integer  only to this port  [default]
-- parameter: not_source        text     not from this address  [default]
-- parameter: not_destination   text     not to this address  [default]
-- parameter: not_port          integer  not to this port  [default]
-- parameter: start             time     begin of the span; none: the first  [default]
-- parameter: end               time     end of the span; none: the last  [default]
-- column:    value              VARCHAR  of what was asked for; NULL: connections that have none
-- column:    connections        BIGINT   how many
-- column:    sources            BIGINT   different addresses that began them
-- column:    destinations       BIGINT   different addresses connected to
-- column:    destination_ports  BIGINT   different ports connected to
-- column:    source_bytes       BIGINT   all that was sent by who began them
-- column:    destination_bytes  BIGINT   all that came back
-- column:    source_bytes_max   BIGINT   the most that one sent
-- column:    destination_bytes_max BIGINT the most that came back on one
-- column:    packets            BIGINT   both ways; NULL: nobody saw packets
-- column:    first_wall_ns      BIGINT   first activity
-- column:    last_wall_ns       BIGINT   last activity
-- limits:    a word that `by` does not know gives one row of all; as _connection_best
-- source:    WAL-23, BAL-4
CREATE OR REPLACE MACRO aggregate_flows("by", source := NULL, destination := NULL, port := NULL, not_source := NULL, not_destination := NULL, not_port := NULL, "start" := NULL, "end" := NULL) AS TABLE
SELECT CASE "by" WHEN 'source_ip' THEN gc.source_ip WHEN 'destination_ip' THEN gc.destination_ip
            WHEN 'source_port' THEN gc.source_port::VARCHAR WHEN 'destination_port' THEN gc.destination_port::VARCHAR
            WHEN 'transport' THEN gc.transport WHEN 'application' THEN gc.application END AS value,
       count(*) AS connections, count(DISTINCT gc.source_ip) AS sources, count(DISTINCT gc.destination_ip) AS destinations,
       count(DISTINCT gc.destination_port) AS destination_ports,
       _bigint(sum(gc.source_bytes)) AS source_bytes, _bigint(sum(gc.destination_bytes)) AS destination_bytes,
       max(gc.source_bytes) AS source_bytes_max, max(gc.destination_bytes) AS destination_bytes_max,
       _bigint(sum(gc.source_packets::HUGEINT + gc.destination_packets)) AS packets,
       min(gc.begin_wall_ns) AS first_wall_ns, max(gc.end_wall_ns) AS last_wall_ns
FROM _connection_best AS gc
WHERE (source IS NULL OR gc.source_ip = source) AND (not_source IS NULL OR gc.source_ip <> not_source)
  AND (destination IS NULL OR gc.destination_ip = destination)
  AND (not_destination IS NULL OR gc.destination_ip <> not_destination)
  AND (port IS NULL OR gc.destination_port = port) AND (not_port IS NULL OR gc.destination_port IS DISTINCT FROM not_port)
  AND ("start" IS NULL OR gc.end_wall_ns >= "start") AND ("end" IS NULL OR gc.begin_wall_ns <= "end")
GROUP BY ALL ORDER BY connections DESC, value NULLS LAST;
