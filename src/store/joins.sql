-- SPDX-License-Identifier: Apache-2.0
-- What several observers of the network tell of one conversation, and which process it was of. It is worked out
-- when it is asked for, from what each observer said (_flow_seen …), so that what comes late joins what was there,
-- nothing can be doubled, and evidence stays as it was. Run after the tables' own views are there.
--
-- Two rows are of one conversation when they have the same ends, in either order, and one begins while the other
-- goes on, from 1 s before its begin until 5 s after its end. Times are compared on one clock: what somebody set
-- with an import is added, and how far two clocks are apart is estimated from conversations that both saw once.
-- Columns are qualified: an unqualified name would be taken for a parameter of a macro that uses the view.

-- Every row of flow with its ends as one key. Times lie within what can be subtracted without overflow.
CREATE VIEW _flow_told AS
WITH hand AS MATERIALIZED (
  SELECT x.recording_id, CASE WHEN abs(x.offset_ns) < 200000000000000000 THEN CAST(x.offset_ns AS BIGINT) END AS offset_ns
  FROM (SELECT hr.recording_id, TRY_CAST(json_extract_string(hr.description, '$.clock_offset_ns') AS HUGEINT) AS offset_ns
        FROM recording AS hr WHERE hr.kind = 'import') AS x
), ended AS (
  SELECT fs.flow_id, fs.host_id, fs.observer, fs.direction, fs.recording_id,
         CASE WHEN fs.transport IN ('icmp6', 'ipv6-icmp', 'icmpv6') THEN 'icmp' ELSE fs.transport END AS transport,
         fs.source_port IS NOT NULL AND fs.destination_port IS NOT NULL AS has_ports,
         concat(CASE WHEN fs.source_ip LIKE '::ffff:%.%' THEN substr(fs.source_ip, 8) ELSE fs.source_ip END,
                ' ', fs.source_port) AS one,
         concat(CASE WHEN fs.destination_ip LIKE '::ffff:%.%' THEN substr(fs.destination_ip, 8) ELSE fs.destination_ip END,
                ' ', fs.destination_port) AS other,
         -- Every host has these for itself.
         CASE WHEN fs.source_ip LIKE '127.%' OR fs.source_ip = '::1' OR fs.destination_ip LIKE '127.%'
              OR fs.destination_ip = '::1' THEN fs.host_id END AS own_host,
         -- Packets of one conversation lie in several rows where a capture was cut, or is told in parts: there is no
         -- SYN in what goes on, and what it goes on with was not over; for how long that may be silent: 0012.
         fs.observer = 'packets' AND (fs.transport <> 'tcp'
                                      OR (coalesce(fs.source_tcp_flags, 0) | coalesce(fs.destination_tcp_flags, 0)) & 2 = 0) AS goes_on,
         CASE WHEN fs.observer <> 'packets' THEN NULL WHEN fs.transport <> 'tcp' OR fs.state = 'S0' THEN 60000000000
              WHEN fs.state IN ('S1', 'S2', 'S3', 'OTH') THEN 3600000000000 END AS open_ns,
         least(greatest(fs.begin_wall_ns, 0), 4000000000000000000) AS begin_ns,
         least(greatest(fs.end_wall_ns, 0), 4000000000000000000) AS end_ns
  FROM _flow_seen AS fs
)
SELECT e.flow_id, e.host_id, e.observer, e.has_ports, coalesce(e.direction, '') AS direction,
       concat_ws(' ', e.transport, least(e.one, e.other), greatest(e.one, e.other), e.own_host) AS ends,
       e.goes_on AND e.has_ports AS goes_on, e.open_ns,
       e.begin_ns + coalesce(hd.offset_ns, 0) AS begin_ns, e.end_ns + coalesce(hd.offset_ns, 0) AS end_ns
FROM ended AS e LEFT JOIN hand AS hd ON hd.recording_id = e.recording_id;

-- How far the clocks of two observers are apart, from conversations that each of them saw exactly once.
CREATE VIEW _clock_pair AS
WITH once AS MATERIALIZED (
  SELECT ft.ends, ft.host_id, ft.observer, min(ft.begin_ns) AS begin_ns
  FROM _flow_told AS ft WHERE ft.has_ports
  GROUP BY ft.ends, ft.host_id, ft.observer HAVING count(*) = 1
)
SELECT a.host_id, a.observer, b.host_id AS other_host_id, b.observer AS other_observer,
       CAST(round(median(b.begin_ns - a.begin_ns)) AS BIGINT) AS offset_ns,
       CAST(greatest(ceil((quantile_cont(b.begin_ns - a.begin_ns, 0.9)
                           - quantile_cont(b.begin_ns - a.begin_ns, 0.1)) / 2), 1000) AS BIGINT) AS uncertainty_ns,
       count(*) AS samples
FROM once AS a JOIN once AS b ON b.ends = a.ends
WHERE a.host_id <> b.host_id OR a.observer <> b.observer
GROUP BY a.host_id, a.observer, b.host_id, b.observer HAVING count(*) >= 3;

-- What each clock is ahead of the one that it is compared with; directly, or through a third.
CREATE VIEW _clock_correction AS
WITH pair AS MATERIALIZED (  -- where the samples contradict each other nothing is known
  SELECT cp.host_id, cp.observer, cp.other_host_id, cp.other_observer, cp.offset_ns, cp.uncertainty_ns, cp.samples
  FROM _clock_pair AS cp WHERE cp.uncertainty_ns <= 2000000000
), weight AS (
  SELECT p.host_id, p.observer, sum(p.samples) AS samples FROM pair AS p GROUP BY p.host_id, p.observer
), reach AS (
  SELECT w.host_id, w.observer, w.host_id AS root_host_id, w.observer AS root_observer, 0 AS offset_ns, 0 AS hops
  FROM weight AS w
  UNION ALL
  SELECT p.other_host_id, p.other_observer, p.host_id, p.observer, p.offset_ns, 1 FROM pair AS p
  UNION ALL
  SELECT q.other_host_id, q.other_observer, p.host_id, p.observer, p.offset_ns + q.offset_ns, 2
  FROM pair AS p JOIN pair AS q ON q.host_id = p.other_host_id AND q.observer = p.other_observer
)
SELECT r.host_id, r.observer,
       CAST(arg_max(r.offset_ns, (w.samples, r.root_host_id, r.root_observer, -r.hops)) AS BIGINT) AS ahead_ns
FROM reach AS r JOIN weight AS w ON w.host_id = r.root_host_id AND w.observer = r.root_observer
GROUP BY r.host_id, r.observer;

-- The same rows on one clock.
CREATE VIEW _flow_timed AS
SELECT ft.flow_id, ft.host_id, ft.observer, ft.has_ports, ft.direction, ft.ends, ft.goes_on, ft.open_ns,
       concat_ws(' ', ft.host_id, ft.observer, ft.direction) AS viewpoint,
       CASE ft.observer WHEN 'packets' THEN 4 WHEN 'sensor' THEN 2 WHEN 'zeek' THEN 3 WHEN 'suricata' THEN 3
            WHEN 'argus' THEN 3 WHEN 'netflow' THEN 3 ELSE 0 END AS weight,
       ft.begin_ns - coalesce(cc.ahead_ns, 0) AS begin_ns, ft.end_ns - coalesce(cc.ahead_ns, 0) AS end_ns
FROM _flow_told AS ft
LEFT JOIN _clock_correction AS cc ON cc.host_id = ft.host_id AND cc.observer = ft.observer;

-- Ends that a conversation has after its addresses were translated, as connection tracking says: "… as IP PORT > IP PORT".
CREATE VIEW _translation AS
SELECT y.flow_id, concat_ws(' ', y.transport, least(y.one, y.other), greatest(y.one, y.other)) AS ends
FROM (SELECT x.flow_id, x.transport, x.ends[1] AS one, x.ends[2] AS other
      FROM (SELECT fs.flow_id, fs.transport,
                   regexp_extract_all(fs.state, '(?:as|>) ([0-9a-fA-F.:]+ [0-9]+)', 1) AS ends
            FROM _flow_seen AS fs WHERE fs.observer = 'conntrack') AS x
      WHERE len(x.ends) = 2) AS y;

-- Which connection each row is of. The rows of the observer that sees connections best (packets before records of
-- them before sockets before single alerts) are the connections, those of packets that go on or were captured twice
-- together; the others go to the one that lasts at their begin, or is nearest. What fits none makes connections of its own.
CREATE VIEW _connection AS
WITH timed AS MATERIALIZED (
  SELECT tm.flow_id, tm.ends, tm.viewpoint, tm.weight, tm.begin_ns, tm.end_ns, tm.has_ports, tm.goes_on, tm.open_ns
  FROM _flow_timed AS tm
), best AS (
  SELECT t.ends, arg_max(t.viewpoint, (t.weight, t.viewpoint)) AS viewpoint,
         count(*) FILTER (t.weight = 4 AND t.has_ports) AS packet_rows
  FROM timed AS t GROUP BY t.ends
), anchor AS MATERIALIZED (
  SELECT t.flow_id, t.ends, t.begin_ns, t.end_ns, t.goes_on, t.open_ns, b.packet_rows
  FROM timed AS t JOIN best AS b ON b.ends = t.ends AND b.viewpoint = t.viewpoint
), part AS (
  SELECT a.flow_id, a.ends, a.begin_ns,
         CASE WHEN a.begin_ns < max(a.end_ns) OVER (PARTITION BY a.ends ORDER BY a.begin_ns, a.flow_id
                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) THEN 0
              WHEN a.goes_on AND a.begin_ns - lag(a.end_ns) OVER (PARTITION BY a.ends ORDER BY a.begin_ns, a.flow_id)
                   <= lag(a.open_ns) OVER (PARTITION BY a.ends ORDER BY a.begin_ns, a.flow_id) THEN 0 ELSE 1 END AS begins
  FROM anchor AS a WHERE a.packet_rows > 1
), numbered AS (
  SELECT pt.flow_id, pt.ends, pt.begin_ns,
         sum(pt.begins) OVER (PARTITION BY pt.ends ORDER BY pt.begin_ns, pt.flow_id) AS number
  FROM part AS pt
), whole AS MATERIALIZED (
  SELECT nu.flow_id, first_value(nu.flow_id) OVER (PARTITION BY nu.ends, nu.number ORDER BY nu.begin_ns, nu.flow_id) AS connection_id
  FROM numbered AS nu
), rest AS MATERIALIZED (
  SELECT t.flow_id, t.ends, t.begin_ns, t.end_ns
  FROM timed AS t JOIN best AS b ON b.ends = t.ends AND b.viewpoint <> t.viewpoint
), placed AS MATERIALIZED (
  SELECT r.flow_id, r.ends, r.begin_ns, r.end_ns,
         CASE WHEN before.flow_id IS NOT NULL AND r.begin_ns <= before.end_ns THEN before.flow_id
              WHEN after.begin_ns - r.begin_ns <= 1000000000
                   AND (before.flow_id IS NULL OR after.begin_ns - r.begin_ns < r.begin_ns - before.end_ns)
              THEN after.flow_id
              WHEN r.begin_ns - before.end_ns <= 5000000000 THEN before.flow_id
              WHEN after.begin_ns <= r.end_ns THEN after.flow_id END AS anchor_flow_id
  FROM rest AS r
  ASOF LEFT JOIN anchor AS before ON before.ends = r.ends AND before.begin_ns <= r.begin_ns
  ASOF LEFT JOIN anchor AS after ON after.ends = r.ends AND after.begin_ns >= r.begin_ns
), step AS (
  SELECT p.flow_id, p.ends, p.begin_ns,
         CASE WHEN p.begin_ns <= max(p.end_ns) OVER (PARTITION BY p.ends ORDER BY p.begin_ns, p.flow_id
                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) + 5000000000 THEN 0 ELSE 1 END AS begins
  FROM placed AS p WHERE p.anchor_flow_id IS NULL
), spell AS (
  SELECT s.flow_id, s.ends, s.begin_ns,
         sum(s.begins) OVER (PARTITION BY s.ends ORDER BY s.begin_ns, s.flow_id) AS number
  FROM step AS s
), base AS MATERIALIZED (
SELECT a.flow_id, coalesce(w.connection_id, a.flow_id) AS connection_id
FROM anchor AS a LEFT JOIN whole AS w ON w.flow_id = a.flow_id
UNION ALL
SELECT p.flow_id, coalesce(w.connection_id, p.anchor_flow_id)
FROM placed AS p LEFT JOIN whole AS w ON w.flow_id = p.anchor_flow_id WHERE p.anchor_flow_id IS NOT NULL
UNION ALL
SELECT s.flow_id, first_value(s.flow_id) OVER (PARTITION BY s.ends, s.number ORDER BY s.begin_ns, s.flow_id)
FROM spell AS s
), tracked AS MATERIALIZED (
  SELECT b.connection_id, tr.ends, t.begin_ns, t.end_ns
  FROM _translation AS tr JOIN timed AS t ON t.flow_id = tr.flow_id JOIN base AS b ON b.flow_id = tr.flow_id
), moved AS MATERIALIZED (  -- what was seen behind the translation is of the connection before it
  SELECT b.connection_id, min(k.connection_id) AS into_connection_id
  FROM tracked AS k JOIN timed AS t ON t.ends = k.ends AND t.begin_ns <= k.end_ns + 5000000000 AND t.end_ns >= k.begin_ns - 1000000000
  JOIN base AS b ON b.flow_id = t.flow_id WHERE b.connection_id <> k.connection_id
  GROUP BY b.connection_id
)
SELECT b.flow_id, coalesce(m.into_connection_id, b.connection_id) AS connection_id
FROM base AS b LEFT JOIN moved AS m ON m.connection_id = b.connection_id;

CREATE VIEW flow AS
SELECT fs.* REPLACE (fc.connection_id AS connection_id)
FROM _flow_seen AS fs LEFT JOIN _connection AS fc ON fc.flow_id = fs.flow_id;

-- Of a flow that no sensor saw: the processes of the sockets of its connection.
CREATE VIEW _flow_process_joined AS
WITH owned AS MATERIALIZED (
  SELECT ps.flow_id, ps.process_id, ps.object_id, ps.fd, ps.uid, ps.first_wall_ns, ps.confidence
  FROM _flow_process_seen AS ps
), member AS MATERIALIZED (
  SELECT fc.connection_id, tm.flow_id, tm.ends, tm.has_ports, tm.begin_ns, tm.end_ns, tm.host_id, tm.direction, cc.ahead_ns,
         tm.flow_id IN (SELECT ow.flow_id FROM owned AS ow) AS has_process
  FROM _connection AS fc JOIN _flow_timed AS tm ON tm.flow_id = fc.flow_id
  LEFT JOIN _clock_correction AS cc ON cc.host_id = tm.host_id AND cc.observer = tm.observer
), joined AS (
  SELECT f.flow_id, o.process_id, o.object_id, o.fd, o.uid, o.first_wall_ns, f.has_ports, f.ends <> s.ends AS translated,
         s.begin_ns - f.begin_ns AS later_ns, s.begin_ns <= f.end_ns + 5000000000 AND s.end_ns >= f.begin_ns - 1000000000 AS together,
         coalesce(f.ahead_ns, 0) - coalesce(s.ahead_ns, 0) AS ahead_ns, o.confidence,
         count(DISTINCT o.object_id) OVER (PARTITION BY f.flow_id, s.host_id, s.direction) AS sockets
  FROM member AS f JOIN member AS s ON s.connection_id = f.connection_id AND s.has_process
  JOIN owned AS o ON o.flow_id = s.flow_id
  WHERE NOT f.has_process
), judged AS (
  SELECT j.flow_id, j.process_id, j.object_id, j.fd, j.uid, j.first_wall_ns,
         j.confidence * CASE WHEN j.later_ns BETWEEN -1000000000 AND 5000000000 THEN 0.95 WHEN j.together THEN 0.8 ELSE 0.5 END
         * CASE WHEN j.has_ports THEN 1 ELSE 0.6 END * CASE WHEN j.translated THEN 0.9 ELSE 1 END / greatest(j.sockets, 1) AS confidence,
         concat('a socket of the process has ',
                CASE WHEN j.translated THEN 'the addresses and ports that connection tracking says were translated to those of the flow, or from them,'
                     WHEN j.has_ports THEN 'the same addresses and ports' ELSE 'the same addresses (there are no ports)' END,
                CASE WHEN j.later_ns BETWEEN -1000000000 AND 5000000000 OR j.together
                     THEN concat(' and was first used ', round(abs(j.later_ns) / 1e6, 1), ' ms ',
                                 CASE WHEN j.later_ns < 0 THEN 'before' ELSE 'after' END, ' the flow began')
                     ELSE ' and is of the same connection by what another observer saw' END,
                CASE WHEN j.ahead_ns <> 0
                     THEN concat(', clocks being ', round(j.ahead_ns / 1e6, 1), ' ms apart') ELSE '' END,
                CASE WHEN j.sockets > 1 THEN concat('; so have ', j.sockets - 1, ' others') ELSE '' END) AS reason
  FROM joined AS j
)
SELECT d.flow_id, d.process_id, arg_max(d.object_id, d.confidence) AS object_id, arg_max(d.fd, d.confidence) AS fd,
       arg_max(d.uid, d.confidence) AS uid, min(d.first_wall_ns) AS first_wall_ns, max(d.confidence) AS confidence,
       arg_max(d.reason, (d.confidence, d.object_id)) AS reason
FROM judged AS d GROUP BY d.flow_id, d.process_id;

CREATE VIEW flow_process AS
SELECT ps.flow_id, ps.process_id, ps.object_id, ps.fd, ps.uid, ps.first_wall_ns, ps.confidence, ps.reason
FROM _flow_process_seen AS ps
UNION ALL
SELECT pj.flow_id, pj.process_id, pj.object_id, pj.fd, pj.uid, pj.first_wall_ns, pj.confidence, pj.reason
FROM _flow_process_joined AS pj;

-- Why no process is known of a flow.
CREATE VIEW _flow_without_process AS
WITH local AS MATERIALIZED (  -- addresses of hosts that a sensor watched
  SELECT x.ip, x.host_id, min(x.first_wall_ns) AS first_wall_ns FROM (
    SELECT so.local_ip AS ip, so.host_id, so.first_wall_ns FROM socket AS so
    WHERE so.local_ip IS NOT NULL AND so.local_ip NOT IN ('0.0.0.0', '::') AND so.local_ip NOT LIKE '127.%') AS x
  GROUP BY x.ip, x.host_id
), owner AS (
  SELECT DISTINCT fp.flow_id FROM flow_process AS fp
), orphan AS (
  SELECT fs.flow_id, fs.source_ip, fs.destination_ip, fs.begin_wall_ns, fs.end_wall_ns, fs.host_id
  FROM _flow_seen AS fs WHERE fs.flow_id NOT IN (SELECT ow.flow_id FROM owner AS ow)
), held AS (
  SELECT o.flow_id, any_value(l.host_id) AS host_id,
         bool_or(EXISTS (SELECT 1 FROM recording AS re WHERE re.host_id = l.host_id
                         AND (re.kind = 'import' OR re.begin_wall_ns <= o.end_wall_ns
                              AND coalesce(re.end_wall_ns, 9223372036854775807) >= o.begin_wall_ns))) AS recorded
  FROM orphan AS o LEFT JOIN local AS l ON l.ip IN (o.source_ip, o.destination_ip) GROUP BY o.flow_id
)
SELECT h.flow_id,
       CASE WHEN h.host_id IS NULL THEN 'no host with one of its addresses was recorded'
            WHEN NOT h.recorded THEN 'the host with one of its addresses was not recorded at that time'
            ELSE 'no socket with its ends was seen on the host at that time: the kernel answered by itself, it was not recorded, or the clocks are too far apart'
       END AS reason
FROM held AS h;

CREATE VIEW alert AS
WITH raised AS MATERIALIZED (
  SELECT al.alert_id, al.flow_id FROM _alert_seen AS al WHERE al.flow_id IS NOT NULL AND al.process_id IS NULL
), owner AS (  -- who was asked before who asked: an alert is about what was attacked
  SELECT ra.alert_id, first(pj.process_id ORDER BY so.direction = 'inbound' DESC NULLS LAST, pj.confidence DESC, pj.process_id) AS process_id,
         first(pj.confidence ORDER BY so.direction = 'inbound' DESC NULLS LAST, pj.confidence DESC, pj.process_id) AS confidence,
         first(pj.reason ORDER BY so.direction = 'inbound' DESC NULLS LAST, pj.confidence DESC, pj.process_id) AS reason
  FROM raised AS ra JOIN flow_process AS pj ON pj.flow_id = ra.flow_id
  LEFT JOIN socket AS so ON so.object_id = pj.object_id
  GROUP BY ra.alert_id
)
SELECT al.* REPLACE (
  coalesce(al.process_id, ow.process_id) AS process_id,
  CASE WHEN ow.process_id IS NULL THEN al.confidence ELSE al.confidence * ow.confidence END AS confidence,
  CASE WHEN ow.process_id IS NOT NULL THEN ow.reason
       WHEN al.flow_id IS NULL OR al.process_id IS NOT NULL THEN al.reason
       ELSE 'the flow is known, its process is not: no socket of a recorded host is of its connection' END AS reason)
FROM _alert_seen AS al LEFT JOIN owner AS ow ON ow.alert_id = al.alert_id;

CREATE VIEW clock_offset AS
WITH name AS MATERIALIZED (
  SELECT x.host_id, any_value(x.name) AS name FROM (
    SELECT ho.host_id, ho.name FROM host AS ho
    UNION ALL
    SELECT re.host_id, json_extract_string(re.description, '$.host') FROM recording AS re WHERE re.kind = 'import') AS x
  GROUP BY x.host_id
)
SELECT cs.source, cs.other, cs.offset_ns, cs.uncertainty_ns, cs.samples FROM _clock_offset_seen AS cs
UNION ALL
SELECT concat(coalesce(na.name, '?'), ' ', cp.observer), concat(coalesce(nb.name, '?'), ' ', cp.other_observer),
       cp.offset_ns, cp.uncertainty_ns, cp.samples
FROM _clock_pair AS cp
LEFT JOIN name AS na ON na.host_id = cp.host_id LEFT JOIN name AS nb ON nb.host_id = cp.other_host_id
WHERE (cp.host_id, cp.observer) < (cp.other_host_id, cp.other_observer);
