-- SPDX-License-Identifier: Apache-2.0
-- question:  Which flows did a process take part in, as every observer saw them?
-- reads:     flow_process, flow
-- parameter: process  process  the process
-- column:    flow_id            BIGINT   the flow
-- column:    connection_id      BIGINT   the same for all observers of one conversation
-- column:    observer           VARCHAR  who saw it
-- column:    begin_wall_ns      BIGINT   when it began, by the observer's clock
-- column:    end_wall_ns        BIGINT   last activity seen
-- column:    transport          VARCHAR  'tcp', 'udp' …
-- column:    source_ip          VARCHAR  who began it
-- column:    source_port        BIGINT   from which port
-- column:    destination_ip     VARCHAR  to whom
-- column:    destination_port   BIGINT   to which port
-- column:    source_bytes       BIGINT   carried from who began it; NULL: not told
-- column:    destination_bytes  BIGINT   carried from the other end
-- column:    fd                 BIGINT   descriptor of the socket when it was first used
-- column:    uid                BIGINT   real user at that moment
-- column:    confidence         DOUBLE   0 to 1
-- column:    reason             VARCHAR  why it is believed
-- limits:    a connection that another process inherited or was handed counts for the one that made it
-- source:    HF-9, ENH-6
CREATE OR REPLACE MACRO process_flows(process) AS TABLE
SELECT pf.flow_id, pf.connection_id, pf.observer, pf.begin_wall_ns, pf.end_wall_ns, pf.transport, pf.source_ip,
       pf.source_port, pf.destination_ip, pf.destination_port, pf.source_bytes, pf.destination_bytes, po.fd, po.uid,
       po.confidence, po.reason
FROM flow_process AS po JOIN flow AS pf ON pf.flow_id = po.flow_id
WHERE po.process_id = process
ORDER BY pf.begin_wall_ns, pf.observer, pf.flow_id;
