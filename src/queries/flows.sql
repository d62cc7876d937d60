-- SPDX-License-Identifier: Apache-2.0
-- question:  Which flows did the observers of the network see, and which process was it?
-- reads:     flow, flow_process, process, host, _flow_without_process
-- parameter: address   text     of either end; none: all  [default]
-- parameter: port      integer  of either end; none: all  [default]
-- parameter: observer  text     'sensor', 'packets', 'zeek' …; none: all  [default]
-- parameter: start     time     begin of the span; none: the first  [default]
-- parameter: end       time     end of the span; none: the last  [default]
-- column:    flow_id              BIGINT   the flow
-- column:    connection_id        BIGINT   the same for all observers of one conversation
-- column:    observer             VARCHAR  who saw it
-- column:    begin_wall_ns        BIGINT   when it began, by the observer's clock
-- column:    end_wall_ns          BIGINT   last activity seen
-- column:    transport            VARCHAR  'tcp', 'udp' …
-- column:    application          VARCHAR  what was spoken; NULL: not known
-- column:    source_ip            VARCHAR  who began it
-- column:    source_port          BIGINT   from which port
-- column:    destination_ip       VARCHAR  to whom
-- column:    destination_port     BIGINT   to which port
-- column:    source_packets       BIGINT   sent by who began it; NULL: nobody saw packets
-- column:    destination_packets  BIGINT   sent by the other end
-- column:    source_bytes         BIGINT   carried from who began it; NULL: not told
-- column:    destination_bytes    BIGINT   carried from the other end
-- column:    state                VARCHAR  as the observer names it
-- column:    process_id           BIGINT   a process that took part, one row for each; NULL: none known
-- column:    host                 VARCHAR  where it ran
-- column:    pid                  BIGINT   its number in the initial pid namespace
-- column:    command_line         VARCHAR  its last known arguments
-- column:    uid                  BIGINT   its real user when it first used the socket
-- column:    confidence           DOUBLE   0 to 1; NULL: no process known
-- column:    reason               VARCHAR  why it is believed, or why none is known
-- limits:    times are each observer's own: clock_offset tells how far they are apart
-- source:    HF-1, HF-9
CREATE OR REPLACE MACRO flows(address := NULL, port := NULL, observer := NULL, "start" := NULL, "end" := NULL) AS TABLE
WITH chosen AS MATERIALIZED (
  SELECT ff.* FROM flow AS ff
  WHERE (address IS NULL OR ff.source_ip = address OR ff.destination_ip = address)
    AND (port IS NULL OR ff.source_port = port OR ff.destination_port = port)
    AND (observer IS NULL OR ff.observer = observer)
    AND ("start" IS NULL OR ff.end_wall_ns >= "start") AND ("end" IS NULL OR ff.begin_wall_ns <= "end")
)
SELECT fc.flow_id, fc.connection_id, fc.observer, fc.begin_wall_ns, fc.end_wall_ns, fc.transport, fc.application,
       fc.source_ip, fc.source_port, fc.destination_ip, fc.destination_port, fc.source_packets, fc.destination_packets,
       fc.source_bytes, fc.destination_bytes, fc.state, fo.process_id, fh.name AS host, fp.pid, fp.command_line, fo.uid,
       fo.confidence, coalesce(fo.reason, fw.reason) AS reason
FROM chosen AS fc
LEFT JOIN flow_process AS fo ON fo.flow_id = fc.flow_id
LEFT JOIN process AS fp ON fp.process_id = fo.process_id
LEFT JOIN host AS fh ON fh.host_id = fp.host_id
LEFT JOIN _flow_without_process AS fw ON fw.flow_id = fc.flow_id
ORDER BY fc.begin_wall_ns, fc.flow_id, fo.process_id;
