-- SPDX-License-Identifier: Apache-2.0
-- The tables of schema.sql as views over what segments hold (schema "segment", segments.sql).
-- arg_max passes over rows where its first argument is NULL. Columns are qualified: an unqualified name
-- would be taken for a parameter of that name of a macro that uses the view.

CREATE VIEW host AS SELECT DISTINCT s.host_id, s.name FROM segment.host AS s;
CREATE VIEW recording AS FROM segment.recording;
CREATE VIEW exec AS FROM segment.exec;
CREATE VIEW credential_change AS FROM segment.credential_change;
CREATE VIEW event AS FROM segment.event;
CREATE VIEW event_by_object AS FROM segment.event_by_object;
CREATE VIEW io AS FROM segment.io;
CREATE VIEW terminal AS FROM segment.terminal;
CREATE VIEW gap AS FROM segment.gap;
CREATE VIEW evidence_batch AS FROM segment.evidence_batch;

CREATE VIEW process AS
SELECT s.process_id, any_value(s.host_id) AS host_id, any_value(s.boot_id) AS boot_id,
       any_value(s.pid) AS pid, any_value(s.start_boot_ns) AS start_boot_ns,
       min(s.start_wall_ns) AS start_wall_ns,
       arg_max(s.parent_process_id, s.revision) AS parent_process_id,
       max(s.end_boot_ns) AS end_boot_ns, max(s.end_wall_ns) AS end_wall_ns,
       arg_max(s.exit_code, s.revision) AS exit_code,
       bool_and(s.baseline) AS baseline,
       arg_max(s.name, s.revision) AS name, arg_max(s.executable, s.revision) AS executable,
       arg_max(s.command_line, s.revision) AS command_line,
       arg_max(s.uid, s.revision) AS uid, arg_max(s.euid, s.revision) AS euid
FROM segment.process AS s GROUP BY s.process_id;

CREATE VIEW object AS
SELECT s.object_id, any_value(s.host_id) AS host_id, any_value(s.type) AS type,
       any_value(s.device) AS device, any_value(s.inode) AS inode,
       any_value(s.generation) AS generation, any_value(s.instance) AS instance,
       min(s.first_boot_ns) AS first_boot_ns, arg_max(s.path, s.revision) AS path
FROM segment.object AS s GROUP BY s.object_id;

CREATE VIEW object_name AS
SELECT s.object_id, any_value(s.host_id) AS host_id, s.path, s.from_boot_ns,
       any_value(s.from_wall_ns) AS from_wall_ns, max(s.until_boot_ns) AS until_boot_ns,
       arg_min(s.cause, s.revision) AS cause
FROM segment.object_name AS s GROUP BY s.object_id, s.path, s.from_boot_ns;

CREATE VIEW socket AS
SELECT s.object_id, any_value(s.host_id) AS host_id, arg_max(s.netns, s.revision) AS netns,
       arg_max(s.family, s.revision) AS family, arg_max(s.type, s.revision) AS type,
       arg_max(s.protocol, s.revision) AS protocol,
       arg_max(s.local_ip, s.revision) AS local_ip, arg_max(s.local_port, s.revision) AS local_port,
       arg_max(s.remote_ip, s.revision) AS remote_ip, arg_max(s.remote_port, s.revision) AS remote_port,
       arg_max(s.unix_path, s.revision) AS unix_path,
       arg_max(s.peer_object_id, s.revision) AS peer_object_id,
       arg_max(s.direction, s.revision) AS direction,
       min(s.first_boot_ns) AS first_boot_ns, min(s.first_wall_ns) AS first_wall_ns
FROM segment.socket AS s GROUP BY s.object_id;

CREATE VIEW flow AS
SELECT s.flow_id, any_value(s.host_id) AS host_id, arg_min(s.process_id, s.revision) AS process_id,
       min(s.begin_boot_ns) AS begin_boot_ns, min(s.begin_wall_ns) AS begin_wall_ns,
       max(s.end_wall_ns) AS end_wall_ns, any_value(s.transport) AS transport,
       arg_min(s.direction, s.revision) AS direction,
       arg_min(s.source_ip, s.revision) AS source_ip, arg_min(s.source_port, s.revision) AS source_port,
       arg_min(s.destination_ip, s.revision) AS destination_ip,
       arg_min(s.destination_port, s.revision) AS destination_port,
       _bigint(sum(s.source_bytes)) AS source_bytes,
       _bigint(sum(s.destination_bytes)) AS destination_bytes,
       any_value(s.community_id) AS community_id, arg_max(s.state, s.revision) AS state
FROM segment.flow AS s GROUP BY s.flow_id;
