-- SPDX-License-Identifier: Apache-2.0
-- The tables of schema.sql as views over what segments hold (schema "segment", segments.sql).
-- arg_max passes over rows where its first argument is NULL.

CREATE VIEW host AS SELECT DISTINCT host_id, name FROM segment.host;
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
SELECT process_id, any_value(host_id) AS host_id, any_value(boot_id) AS boot_id,
       any_value(pid) AS pid, any_value(start_boot_ns) AS start_boot_ns,
       min(start_wall_ns) AS start_wall_ns,
       arg_max(parent_process_id, revision) AS parent_process_id,
       max(end_boot_ns) AS end_boot_ns, max(end_wall_ns) AS end_wall_ns,
       arg_max(exit_code, revision) AS exit_code,
       bool_and(baseline) AS baseline,
       arg_max(name, revision) AS name, arg_max(executable, revision) AS executable,
       arg_max(command_line, revision) AS command_line,
       arg_max(uid, revision) AS uid, arg_max(euid, revision) AS euid
FROM segment.process GROUP BY process_id;

CREATE VIEW object AS
SELECT object_id, any_value(host_id) AS host_id, any_value(type) AS type,
       any_value(device) AS device, any_value(inode) AS inode,
       any_value(generation) AS generation, any_value(instance) AS instance,
       min(first_boot_ns) AS first_boot_ns, arg_max(path, revision) AS path
FROM segment.object GROUP BY object_id;

CREATE VIEW object_name AS
SELECT object_id, any_value(host_id) AS host_id, path, from_boot_ns,
       any_value(from_wall_ns) AS from_wall_ns, max(until_boot_ns) AS until_boot_ns,
       arg_min(cause, revision) AS cause
FROM segment.object_name GROUP BY object_id, path, from_boot_ns;

CREATE VIEW socket AS
SELECT object_id, any_value(host_id) AS host_id, arg_max(netns, revision) AS netns,
       arg_max(family, revision) AS family, arg_max(type, revision) AS type,
       arg_max(protocol, revision) AS protocol,
       arg_max(local_ip, revision) AS local_ip, arg_max(local_port, revision) AS local_port,
       arg_max(remote_ip, revision) AS remote_ip, arg_max(remote_port, revision) AS remote_port,
       arg_max(unix_path, revision) AS unix_path,
       arg_max(peer_object_id, revision) AS peer_object_id,
       arg_max(direction, revision) AS direction,
       min(first_boot_ns) AS first_boot_ns, min(first_wall_ns) AS first_wall_ns
FROM segment.socket GROUP BY object_id;

CREATE VIEW flow AS
SELECT flow_id, any_value(host_id) AS host_id, arg_min(process_id, revision) AS process_id,
       min(begin_boot_ns) AS begin_boot_ns, min(begin_wall_ns) AS begin_wall_ns,
       max(end_wall_ns) AS end_wall_ns, any_value(transport) AS transport,
       arg_min(direction, revision) AS direction,
       arg_min(source_ip, revision) AS source_ip, arg_min(source_port, revision) AS source_port,
       arg_min(destination_ip, revision) AS destination_ip,
       arg_min(destination_port, revision) AS destination_port,
       sum(source_bytes)::BIGINT AS source_bytes,
       sum(destination_bytes)::BIGINT AS destination_bytes,
       any_value(community_id) AS community_id
FROM segment.flow GROUP BY flow_id;
