-- SPDX-License-Identifier: Apache-2.0
-- question:  Which connections go from one recorded host to another, by which processes, and over which connection had whoever began it come in?
-- reads:     flow, _flow_process_seen, process, host, _session_walk, sessions
-- column:    connection_id           BIGINT   the connection
-- column:    begin_wall_ns           BIGINT   when it began, by the clock of the host that began it
-- column:    transport               VARCHAR  'tcp', 'udp' …
-- column:    source_ip               VARCHAR  who began it
-- column:    source_port             BIGINT   from which port
-- column:    destination_ip          VARCHAR  to whom
-- column:    destination_port        BIGINT   to which port
-- column:    source_host             VARCHAR  the host that began it
-- column:    source_process_id       BIGINT   the process there
-- column:    source_command          VARCHAR  its last known arguments
-- column:    destination_host        VARCHAR  the host that was connected to
-- column:    destination_process_id  BIGINT   the process there
-- column:    destination_command     VARCHAR  its last known arguments
-- column:    came_in_by              BIGINT   connection over which the session of the first process came in; NULL: none seen
-- column:    came_in_from            VARCHAR  address at its other end
-- limits:    both ends must have been recorded; the session is that of `sessions`, with its limits
-- source:    HF-15, ENH-13
CREATE OR REPLACE VIEW stepping_stones AS
WITH ending AS MATERIALIZED (
  SELECT f.connection_id, f.flow_id, f.host_id, f.direction, f.begin_wall_ns, f.transport, f.source_ip, f.source_port,
         f.destination_ip, f.destination_port, fp.process_id
  FROM flow AS f JOIN _flow_process_seen AS fp ON fp.flow_id = f.flow_id
), hop AS MATERIALIZED (
  SELECT a.connection_id, min(a.begin_wall_ns) AS begin_wall_ns, any_value(a.transport) AS transport,
         any_value(a.source_ip) AS source_ip, any_value(a.source_port) AS source_port,
         any_value(a.destination_ip) AS destination_ip, any_value(a.destination_port) AS destination_port,
         a.process_id AS source_process_id, b.process_id AS destination_process_id,
         any_value(a.host_id) AS source_host_id, any_value(b.host_id) AS destination_host_id
  FROM ending AS a JOIN ending AS b ON b.connection_id = a.connection_id AND b.host_id <> a.host_id
  WHERE a.direction = 'outbound' AND b.direction = 'inbound'
  GROUP BY a.connection_id, a.process_id, b.process_id
)
SELECT h.connection_id, h.begin_wall_ns, h.transport, h.source_ip, h.source_port, h.destination_ip, h.destination_port,
       sh.name AS source_host, h.source_process_id, sp.command_line AS source_command,
       dh.name AS destination_host, h.destination_process_id, dp.command_line AS destination_command,
       (SELECT any_value(f.connection_id) FROM flow AS f WHERE f.flow_id = se.entry_flow_id) AS came_in_by, se.entry_source_ip AS came_in_from
FROM hop AS h
LEFT JOIN process AS sp ON sp.process_id = h.source_process_id
LEFT JOIN process AS dp ON dp.process_id = h.destination_process_id
LEFT JOIN host AS sh ON sh.host_id = h.source_host_id
LEFT JOIN host AS dh ON dh.host_id = h.destination_host_id
LEFT JOIN _session_walk AS sw ON sw.process_id = h.source_process_id
LEFT JOIN sessions AS se ON se.session_id = sw.session_id
ORDER BY h.begin_wall_ns, h.connection_id;
