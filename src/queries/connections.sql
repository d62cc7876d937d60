-- SPDX-License-Identifier: Apache-2.0
-- question:  Which network connections were there, of which process and user, and how much went each way?
-- reads:     _flow_seen, _flow_owner, process, _session_walk, _processes_of, host, _moment
-- narrows:   tree
-- parameter: process  process  the top of a tree; none: not by tree  [default]
-- parameter: session  session  a session; none: not by session  [default]
-- parameter: start    time     begin of the span; none: the first record  [default]
-- parameter: end      time     end of the span; none: the last record  [default]
-- column:    flow_id            BIGINT   the connection
-- column:    begin_wall_ns      BIGINT   when it began
-- column:    end_wall_ns        BIGINT   last activity seen
-- column:    transport          VARCHAR  'tcp', 'udp' …
-- column:    direction          VARCHAR  'inbound' or 'outbound', from the host
-- column:    source_ip          VARCHAR  who began it
-- column:    source_port        BIGINT   from which port
-- column:    destination_ip     VARCHAR  to whom
-- column:    destination_port   BIGINT   to which port
-- column:    source_bytes       BIGINT   sent by who began it
-- column:    destination_bytes  BIGINT   sent by the other end
-- column:    process_id         BIGINT   the process that accepted or connected it
-- column:    pid                BIGINT   its number in the initial pid namespace
-- column:    command_line       VARCHAR  its last known arguments
-- column:    uid                BIGINT   its last known real user
-- column:    session_id         BIGINT   its session; NULL: none
-- column:    state              VARCHAR  of TCP: 'connected', or how the attempt ended: 'refused', 'failed', 'attempted' (the end was not seen)
-- column:    host               VARCHAR  name of the host
-- limits:    a connection that another process inherited or was handed counts for the one that made it
-- source:    FX-20
CREATE OR REPLACE MACRO connections(process := NULL, session := NULL, "start" := NULL, "end" := NULL) AS TABLE
SELECT cf.flow_id, cf.begin_wall_ns, cf.end_wall_ns, cf.transport, cf.direction, cf.source_ip,
       cf.source_port, cf.destination_ip, cf.destination_port, cf.source_bytes, cf.destination_bytes,
       cfo.process_id, cfp.pid, cfp.command_line, cfp.uid, cfw.session_id, cf.state, cf_h.name AS host
FROM _flow_seen AS cf
LEFT JOIN host AS cf_h ON cf_h.host_id = cf.host_id
JOIN _flow_owner AS cfo ON cfo.flow_id = cf.flow_id
LEFT JOIN process AS cfp ON cfp.process_id = cfo.process_id
LEFT JOIN _session_walk AS cfw ON cfw.process_id = cfo.process_id
WHERE cfo.process_id IN (
    SELECT cft.process_id FROM _processes_of(process := process, session := session) AS cft)
  AND ("start" IS NULL OR cf.end_wall_ns >= _moment("start")) AND ("end" IS NULL OR cf.begin_wall_ns <= _moment("end"))
ORDER BY cf.begin_wall_ns, cf.flow_id;
