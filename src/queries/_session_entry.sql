-- SPDX-License-Identifier: Apache-2.0
-- question:  Over which connection, and through which local relays, did each session come in?
-- reads:     _session_walk, _last_inbound, _relayed_from, process
-- column:    session_id       BIGINT    the session
-- column:    hop              INTEGER   0: heard by the daemon itself, 1: by the one that relayed to it …
-- column:    process_id       BIGINT    the process that heard
-- column:    object_id        BIGINT    the connection's socket
-- column:    boot_ns          BIGINT    when it last did before the session began
-- column:    other_process_id BIGINT    the process of this host that had the other end; NULL: none known, or another machine
-- costs:     the whole store
-- limits:    follows at most three relays (proxy to application server and the like)
-- source:    FX-21
CREATE OR REPLACE VIEW _session_entry AS
WITH hop0 AS MATERIALIZED (
  SELECT * FROM _last_inbound((
    SELECT list({'key': w.session_id, 'process_id': w.parent_process_id, 'boot_ns': p.start_boot_ns})
    FROM _session_walk AS w JOIN process AS p ON p.process_id = w.process_id
    WHERE w.session_id = w.process_id AND w.parent_process_id IS NOT NULL))
), relay1 AS MATERIALIZED (
  SELECT * FROM _relayed_from((
    SELECT list({'key': h.key, 'object_id': h.object_id, 'boot_ns': h.boot_ns}) FROM hop0 AS h))
), hop1 AS MATERIALIZED (
  SELECT * FROM _last_inbound((
    SELECT list({'key': r.key, 'process_id': r.process_id, 'boot_ns': r.boot_ns}) FROM relay1 AS r))
), relay2 AS MATERIALIZED (
  SELECT * FROM _relayed_from((
    SELECT list({'key': h.key, 'object_id': h.object_id, 'boot_ns': h.boot_ns}) FROM hop1 AS h))
), hop2 AS MATERIALIZED (
  SELECT * FROM _last_inbound((
    SELECT list({'key': r.key, 'process_id': r.process_id, 'boot_ns': r.boot_ns}) FROM relay2 AS r))
), relay3 AS MATERIALIZED (
  SELECT * FROM _relayed_from((
    SELECT list({'key': h.key, 'object_id': h.object_id, 'boot_ns': h.boot_ns}) FROM hop2 AS h))
), hop3 AS (
  SELECT * FROM _last_inbound((
    SELECT list({'key': r.key, 'process_id': r.process_id, 'boot_ns': r.boot_ns}) FROM relay3 AS r))
)
SELECT hop0.key AS session_id, 0 AS hop, hop0.process_id, hop0.object_id, hop0.boot_ns,
       relay1.process_id AS other_process_id
FROM hop0 LEFT JOIN relay1 ON relay1.key = hop0.key
UNION ALL
SELECT hop1.key, 1, hop1.process_id, hop1.object_id, hop1.boot_ns, relay2.process_id
FROM hop1 LEFT JOIN relay2 ON relay2.key = hop1.key
UNION ALL
SELECT hop2.key, 2, hop2.process_id, hop2.object_id, hop2.boot_ns, relay3.process_id
FROM hop2 LEFT JOIN relay3 ON relay3.key = hop2.key
UNION ALL
SELECT hop3.key, 3, hop3.process_id, hop3.object_id, hop3.boot_ns, NULL FROM hop3;
