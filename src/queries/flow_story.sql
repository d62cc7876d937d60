-- SPDX-License-Identifier: Apache-2.0
-- question:  What is known of one flow: who saw it, which processes it was, what was alarmed, which systems talked?
-- reads:     flow, flow_process, process, host, alert, fingerprint, _flow_without_process
-- parameter: flow  integer  flow_id, of any observer
-- column:    wall_ns     BIGINT   when, by the clock of who tells it
-- column:    kind        VARCHAR  'flow', 'process', 'no process', 'alert', 'fingerprint'
-- column:    id          BIGINT   of that flow, process or alert; NULL: it has none
-- column:    source      VARCHAR  who tells it
-- column:    text        VARCHAR  what, in words
-- column:    confidence  DOUBLE   0 to 1
-- column:    reason      VARCHAR  why it is believed to be of this flow
-- limits:    what was sent is in `io` (of the sensor) and in `spoor pcap --flow`
-- source:    WAL-20, HF-11
CREATE OR REPLACE MACRO flow_story(flow) AS TABLE
WITH member AS MATERIALIZED (
  SELECT fm.* FROM flow AS fm WHERE fm.flow_id = flow OR fm.connection_id =
    (SELECT any_value(fo.connection_id) FROM flow AS fo WHERE fo.flow_id = flow)
), owner AS MATERIALIZED (
  SELECT fp.process_id, arg_max(fp.uid, fp.confidence) AS uid, arg_max(fp.fd, fp.confidence) AS fd,
         max(fp.confidence) AS confidence, arg_max(fp.reason, fp.confidence) AS reason, min(m.begin_wall_ns) AS wall_ns
  FROM flow_process AS fp JOIN member AS m ON m.flow_id = fp.flow_id GROUP BY fp.process_id
)
SELECT x.wall_ns, x.kind, x.id, x.source, x.text, x.confidence, x.reason FROM (
  SELECT m.begin_wall_ns AS wall_ns, 'flow' AS kind, m.flow_id AS id, m.observer AS source,
         concat(m.transport, ' ', m.source_ip, ':', m.source_port, ' -> ', m.destination_ip, ':', m.destination_port,
                ', ', m.application, ' ', m.server_name, ' ', coalesce(m.source_bytes, m.source_frame_bytes), ' bytes there, ',
                coalesce(m.destination_bytes, m.destination_frame_bytes), ' back, ', m.state,
                CASE WHEN m.icmp_error_count > 0 THEN concat(', ', m.icmp_error_count, ' ICMP errors') ELSE '' END) AS text,
         1.0 AS confidence, CASE WHEN m.flow_id = flow THEN 'it is the flow' ELSE 'the same ends at the same time' END AS reason
  FROM member AS m
  UNION ALL
  SELECT o.wall_ns, 'process', o.process_id, fh.name,
         concat('pid ', p.pid, ', ', coalesce(p.command_line, p.executable, p.name), ', user ', o.uid, ', descriptor ', o.fd),
         o.confidence, o.reason
  FROM owner AS o JOIN process AS p ON p.process_id = o.process_id LEFT JOIN host AS fh ON fh.host_id = p.host_id
  UNION ALL
  SELECT m.begin_wall_ns, 'no process', NULL, m.observer, 'no process is known', 0.0, fw.reason
  FROM member AS m JOIN _flow_without_process AS fw ON fw.flow_id = m.flow_id WHERE m.flow_id = flow
  UNION ALL
  SELECT al.wall_ns, 'alert', al.alert_id, al.source, al.signature, al.confidence, 'the alert is on a flow of the connection'
  FROM alert AS al JOIN member AS m ON m.flow_id = al.flow_id
  UNION ALL
  SELECT fi.wall_ns, 'fingerprint', NULL, fi.method, concat(fi.ip, ' looks like ', fi.os), 0.7, 'it was seen on the connection'
  FROM fingerprint AS fi JOIN member AS m ON m.flow_id = fi.flow_id) AS x
ORDER BY x.wall_ns, x.kind, x.id, x.text;
