-- SPDX-License-Identifier: Apache-2.0
-- question:  Which descriptors did these processes write to, and when?
-- reads:     event, object, _moment
-- parameter: processes  integers  the writers
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
-- limits:    stores through a memory mapping are not calls and are not seen
-- source:    Forensix Fds_Written (FX-30), for several processes at once
CREATE OR REPLACE MACRO _fds_written(processes, "start" := NULL, "end" := NULL) AS TABLE
SELECT fw.process_id, fw.fd, fw.object_id, coalesce(fw.path, fwo.path) AS path,
       _minus(fw.wall_ns, _minus(fw.end_boot_ns, fw.boot_ns)) AS begin_wall_ns, fw.wall_ns,
       fw.boot_ns, fw.end_boot_ns, fw.size_bytes, fw.count, fw.event_id
FROM event AS fw LEFT JOIN object AS fwo ON fwo.object_id = fw.object_id
WHERE fw.process_id IN (SELECT unnest(processes)) AND fw.kind IN ('write', 'send') AND fw.result >= 0
  AND ("start" IS NULL OR fw.wall_ns >= _moment("start"))
  AND ("end" IS NULL OR _minus(fw.wall_ns, _minus(fw.end_boot_ns, fw.boot_ns)) <= _moment("end"))
ORDER BY fw.process_id, fw.boot_ns, fw.event_id;
