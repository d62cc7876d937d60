-- SPDX-License-Identifier: Apache-2.0
-- question:  Which processes laid root's rights down for a while and took them back, as sshd and sudo do?
-- reads:     _root_change, process, host, _session_walk
-- column:    host           VARCHAR  name of the host
-- column:    process_id     BIGINT   the process
-- column:    pid            BIGINT   its number in the initial pid namespace
-- column:    session_id     BIGINT   its session; NULL: none
-- column:    executable     VARCHAR  its program
-- column:    count          BIGINT   how often
-- column:    first_wall_ns  BIGINT   first time
-- column:    last_wall_ns   BIGINT   last time
-- limits:    it had root's rights before: as real user, or as saved user by the change before
-- source:    D9
CREATE OR REPLACE VIEW root_regained AS
SELECT h.name AS host, r.process_id, p.pid, any_value(w.session_id) AS session_id,
       arg_max(coalesce(r.executable, p.executable), r.boot_ns) AS executable, count(*) AS count,
       min(r.wall_ns) AS first_wall_ns, max(r.wall_ns) AS last_wall_ns
FROM _root_change AS r
LEFT JOIN process AS p ON p.process_id = r.process_id
LEFT JOIN host AS h ON h.host_id = p.host_id
LEFT JOIN _session_walk AS w ON w.process_id = r.process_id
WHERE r.why = 'regained'
GROUP BY h.name, r.process_id, p.pid
ORDER BY first_wall_ns, r.process_id;
