-- SPDX-License-Identifier: Apache-2.0
-- question:  Which alerts were raised, on which flow, and which process do they mean?
-- reads:     alert, flow, process
-- parameter: start  time  begin of the span; none: the first  [default]
-- parameter: end    time  end of the span; none: the last  [default]
-- column:    alert_id          BIGINT   the alert
-- column:    wall_ns           BIGINT   when it was raised, by the clock of its source
-- column:    source            VARCHAR  who raised it
-- column:    signature_id      BIGINT   number of the rule
-- column:    signature         VARCHAR  the rule in words
-- column:    priority          BIGINT   as the source counts
-- column:    classification    VARCHAR  as the source names it
-- column:    flow_id           BIGINT   the flow that it is about; NULL: it names none
-- column:    transport         VARCHAR  of the flow
-- column:    source_ip         VARCHAR  who began the flow
-- column:    source_port       BIGINT   from which port
-- column:    destination_ip    VARCHAR  to whom
-- column:    destination_port  BIGINT   to which port
-- column:    process_id        BIGINT   the process; of two ends that were recorded the one that was connected to
-- column:    pid               BIGINT   its number in the initial pid namespace
-- column:    command_line      VARCHAR  its last known arguments
-- column:    confidence        DOUBLE   0 to 1, of flow and process
-- column:    reason            VARCHAR  why they are believed or were not found
-- limits:    an alert on what was sent over the network says nothing of what came of it
-- source:    HF-10, WAL-18
CREATE OR REPLACE MACRO alerts("start" := NULL, "end" := NULL) AS TABLE
SELECT aa.alert_id, aa.wall_ns, aa.source, aa.signature_id, aa.signature, aa.priority, aa.classification, aa.flow_id,
       af.transport, af.source_ip, af.source_port, af.destination_ip, af.destination_port, aa.process_id, ap.pid,
       ap.command_line, aa.confidence, aa.reason
FROM alert AS aa
LEFT JOIN flow AS af ON af.flow_id = aa.flow_id
LEFT JOIN process AS ap ON ap.process_id = aa.process_id
WHERE ("start" IS NULL OR aa.wall_ns >= "start") AND ("end" IS NULL OR aa.wall_ns <= "end")
ORDER BY aa.wall_ns, aa.alert_id;
