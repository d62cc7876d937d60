-- SPDX-License-Identifier: Apache-2.0
-- question:  How many connections and alerts went in and out of each address in the last hour, day and 14 days?
-- reads:     _connection_best, alert, flow
-- parameter: at  time  until when; none: the last connection  [default]
-- column:    ip               VARCHAR  the address
-- column:    in_1h            BIGINT   connections to it that began in that time
-- column:    out_1h           BIGINT   connections from it
-- column:    in_24h           BIGINT   the same of a day
-- column:    out_24h          BIGINT   the same of a day
-- column:    in_14d           BIGINT   the same of 14 days
-- column:    out_14d          BIGINT   the same of 14 days
-- column:    alerts_in_1h     BIGINT   alerts on connections to it
-- column:    alerts_out_1h    BIGINT   alerts on connections from it
-- column:    alerts_in_24h    BIGINT   the same of a day
-- column:    alerts_out_24h   BIGINT   the same of a day
-- column:    alerts_in_14d    BIGINT   the same of 14 days
-- column:    alerts_out_14d   BIGINT   the same of 14 days
-- limits:    as _connection_best
-- source:    WAL-22
CREATE OR REPLACE MACRO in_out_counts("at" := NULL) AS TABLE
WITH last AS (
  SELECT coalesce("at", (SELECT max(ib.begin_wall_ns) FROM _connection_best AS ib)) AS until_ns
), happened AS (
  SELECT ib.source_ip, ib.destination_ip, ib.begin_wall_ns AS wall_ns, FALSE AS alarmed FROM _connection_best AS ib
  UNION ALL
  SELECT ifl.source_ip, ifl.destination_ip, ia.wall_ns, TRUE FROM alert AS ia JOIN flow AS ifl ON ifl.flow_id = ia.flow_id
), side AS (
  SELECT h.destination_ip AS ip, TRUE AS inward, h.alarmed, _minus(l.until_ns, h.wall_ns) AS age_ns
  FROM happened AS h, last AS l WHERE h.wall_ns <= l.until_ns
  UNION ALL
  SELECT h.source_ip, FALSE, h.alarmed, _minus(l.until_ns, h.wall_ns) FROM happened AS h, last AS l WHERE h.wall_ns <= l.until_ns
)
SELECT s.ip,
       count(*) FILTER (WHERE s.inward AND NOT s.alarmed AND s.age_ns <= 3600000000000) AS in_1h,
       count(*) FILTER (WHERE NOT s.inward AND NOT s.alarmed AND s.age_ns <= 3600000000000) AS out_1h,
       count(*) FILTER (WHERE s.inward AND NOT s.alarmed AND s.age_ns <= 86400000000000) AS in_24h,
       count(*) FILTER (WHERE NOT s.inward AND NOT s.alarmed AND s.age_ns <= 86400000000000) AS out_24h,
       count(*) FILTER (WHERE s.inward AND NOT s.alarmed) AS in_14d,
       count(*) FILTER (WHERE NOT s.inward AND NOT s.alarmed) AS out_14d,
       count(*) FILTER (WHERE s.inward AND s.alarmed AND s.age_ns <= 3600000000000) AS alerts_in_1h,
       count(*) FILTER (WHERE NOT s.inward AND s.alarmed AND s.age_ns <= 3600000000000) AS alerts_out_1h,
       count(*) FILTER (WHERE s.inward AND s.alarmed AND s.age_ns <= 86400000000000) AS alerts_in_24h,
       count(*) FILTER (WHERE NOT s.inward AND s.alarmed AND s.age_ns <= 86400000000000) AS alerts_out_24h,
       count(*) FILTER (WHERE s.inward AND s.alarmed) AS alerts_in_14d,
       count(*) FILTER (WHERE NOT s.inward AND s.alarmed) AS alerts_out_14d
FROM side AS s WHERE s.age_ns <= 1209600000000000
GROUP BY s.ip ORDER BY in_14d + out_14d DESC, s.ip;
