-- SPDX-License-Identifier: Apache-2.0
-- question:  Which process wrote last, before that moment, to the other end of this socket on the same host?
-- reads:     socket, event_by_object
-- parameter: questions  structs  {key, object_id, boot_ns}: which socket, and before when
-- column:    key         BIGINT  of the question
-- column:    process_id  BIGINT  that wrote, or connected, the other end
-- column:    boot_ns     BIGINT  when
-- limits:    no row where the other end is on another host or not known
-- source:    FX-21
CREATE OR REPLACE MACRO _relayed_from(questions) AS TABLE
WITH question AS (
  SELECT unnest(questions, recursive := true)
), other_end AS (
  SELECT q.key, q.boot_ns, coalesce(s.peer_object_id, reverse_peer.object_id, remote.object_id) AS object_id
  FROM question AS q JOIN socket AS s ON s.object_id = q.object_id
  LEFT JOIN socket AS reverse_peer ON reverse_peer.peer_object_id = s.object_id
  LEFT JOIN socket AS remote ON remote.host_id = s.host_id AND remote.netns = s.netns
    AND remote.local_ip = s.remote_ip AND remote.local_port = s.remote_port
    AND remote.remote_ip = s.local_ip AND remote.remote_port = s.local_port
), said AS (
  SELECT o.key, e.process_id, least(e.end_boot_ns, o.boot_ns) AS boot_ns
  FROM event_by_object AS e JOIN other_end AS o ON o.object_id = e.object_id
  WHERE e.kind IN ('write', 'send', 'connect') AND e.boot_ns <= o.boot_ns
)
SELECT said.key, arg_max(said.process_id, said.boot_ns) AS process_id, max(said.boot_ns) AS boot_ns
FROM said GROUP BY said.key;
