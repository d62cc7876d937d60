-- SPDX-License-Identifier: Apache-2.0
-- question:  Which descriptors did this process write to, and when?
-- reads:     _fds_written, host, process
-- narrows:   process
-- parameter: process  process  the writer
-- parameter: start    time     begin of the span; none: the first record  [default]
-- parameter: end      time     end of the span; none: the last record  [default]
-- column:    process_id     BIGINT   the writer
-- column:    fd             BIGINT   the descriptor
-- column:    object_id      BIGINT   what the kernel wrote to
-- column:    path           VARCHAR  its name in that call, else the last known one
-- column:    begin_wall_ns  BIGINT   begin of the first of the merged calls
-- column:    wall_ns        BIGINT   end of the last of the merged calls
-- column:    boot_ns        BIGINT   as begin_wall_ns, boot clock
-- column:    end_boot_ns    BIGINT   as wall_ns, boot clock
-- column:    size_bytes     BIGINT   written by them
-- column:    count          BIGINT   calls
-- column:    event_id       BIGINT   the event
-- column:    host           VARCHAR  name of the host
-- limits:    stores through a memory mapping are not calls and are not seen
-- source:    Forensix Fds_Written (FX-30)
CREATE OR REPLACE MACRO fds_written(process, "start" := NULL, "end" := NULL) AS TABLE
SELECT fw_one.*, fw_h.name AS host
FROM _fds_written([process], "start" := "start", "end" := "end") AS fw_one
LEFT JOIN process AS fw_p ON fw_p.process_id = fw_one.process_id
LEFT JOIN host AS fw_h ON fw_h.host_id = fw_p.host_id
ORDER BY fw_one.boot_ns, fw_one.event_id;
