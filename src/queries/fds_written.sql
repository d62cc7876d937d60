-- SPDX-License-Identifier: Apache-2.0
-- question:  Which descriptors did this process write to, and when?
-- reads:     event
-- parameter: process  process  the writer
-- parameter: start    time     begin of the span; none: the first record  [default]
-- parameter: end      time     end of the span; none: the last record  [default]
-- column:    process_id     BIGINT   the writer
-- column:    fd             BIGINT   the descriptor
-- column:    object_id      BIGINT   what the kernel wrote to
-- column:    path           VARCHAR  its name in that call
-- column:    begin_wall_ns  BIGINT   begin of the first of the merged calls
-- column:    wall_ns        BIGINT   end of the last of the merged calls
-- column:    boot_ns        BIGINT   as begin_wall_ns, boot clock
-- column:    end_boot_ns    BIGINT   as wall_ns, boot clock
-- column:    size_bytes     BIGINT   written by them
-- column:    count          BIGINT   calls
-- column:    event_id       BIGINT   the event
-- limits:    stores through a memory mapping are not calls and are not seen
-- source:    Forensix Fds_Written (FX-30)
CREATE OR REPLACE MACRO fds_written(process, "start" := NULL, "end" := NULL) AS TABLE
SELECT fw.process_id, fw.fd, fw.object_id, fw.path,
       fw.wall_ns - (fw.end_boot_ns - fw.boot_ns) AS begin_wall_ns, fw.wall_ns,
       fw.boot_ns, fw.end_boot_ns, fw.size_bytes, fw.count, fw.event_id
FROM event AS fw
WHERE fw.process_id = process AND fw.kind IN ('write', 'send') AND fw.result >= 0
  AND ("start" IS NULL OR fw.wall_ns >= "start")
  AND ("end" IS NULL OR fw.wall_ns - (fw.end_boot_ns - fw.boot_ns) <= "end")
ORDER BY fw.boot_ns, fw.event_id;
