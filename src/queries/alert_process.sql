-- SPDX-License-Identifier: Apache-2.0
-- question:  Which processes took part in the flow of an alert: host, user, descriptor, session?
-- reads:     alert, flow_process, process, host, _session_walk
-- parameter: alert  integer  alert_id; none: all alerts  [default]
-- column:    alert_id      BIGINT   the alert
-- column:    signature     VARCHAR  the rule in words
-- column:    wall_ns       BIGINT   when it was raised
-- column:    flow_id       BIGINT   its flow
-- column:    process_id    BIGINT   a process of it, one row for each; NULL: none known
-- column:    host          VARCHAR  where it ran
-- column:    pid           BIGINT   its number in the initial pid namespace
-- column:    command_line  VARCHAR  its last known arguments
-- column:    uid           BIGINT   its real user when it first used the socket
-- column:    fd            BIGINT   descriptor of the socket
-- column:    session_id    BIGINT   its session; NULL: none
-- column:    confidence    DOUBLE   0 to 1
-- column:    reason        VARCHAR  why it is believed, or why none is known
-- limits:    as _session_walk
-- source:    HF-10, ENH-5
CREATE OR REPLACE MACRO alert_process(alert := NULL) AS TABLE
SELECT aa.alert_id, aa.signature, aa.wall_ns, aa.flow_id, ao.process_id, ah.name AS host, ap.pid, ap.command_line, ao.uid,
       ao.fd, aw.session_id, coalesce(ao.confidence, 0) AS confidence,
       coalesce(ao.reason, aa.reason) AS reason
FROM alert AS aa
LEFT JOIN flow_process AS ao ON ao.flow_id = aa.flow_id
LEFT JOIN process AS ap ON ap.process_id = ao.process_id
LEFT JOIN host AS ah ON ah.host_id = ap.host_id
LEFT JOIN _session_walk AS aw ON aw.process_id = ao.process_id
WHERE alert IS NULL OR aa.alert_id = alert
ORDER BY aa.wall_ns, aa.alert_id, confidence DESC, ao.process_id;
