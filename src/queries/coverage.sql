-- SPDX-License-Identifier: Apache-2.0
-- question:  What could not be seen in this span?
-- reads:     gap, recording, host, io, _moment
-- parameter: start  time  begin of the span; none: the first record  [default]
-- parameter: end    time  end of the span; none: the last record  [default]
-- column:    recording_id   VARCHAR  the recording; NULL: of payload, all of the host's
-- column:    from_wall_ns   BIGINT   begin of the gap
-- column:    until_wall_ns  BIGINT   end of the gap
-- column:    loss_class     VARCHAR  what kind of record is missing; 'end': the sensor was killed
-- column:    count          BIGINT   how many; NULL: not known
-- column:    reason         VARCHAR  why
-- column:    host           VARCHAR  name of the host
-- limits:    what no recording covers at all is not a gap: see the table recording
-- source:    D1
CREATE OR REPLACE MACRO coverage("start" := NULL, "end" := NULL) AS TABLE
SELECT co.recording_id, co.from_wall_ns, co.until_wall_ns, co.loss_class, co.count, co.reason, co.host FROM (
SELECT cg.recording_id, cg.from_wall_ns, cg.until_wall_ns, cg.loss_class, cg.count, cg.reason,
       cg_h.name AS host
FROM gap AS cg LEFT JOIN recording AS cg_r ON cg_r.recording_id = cg.recording_id
LEFT JOIN host AS cg_h ON cg_h.host_id = coalesce(cg.host_id, cg_r.host_id)
WHERE ("start" IS NULL OR cg.until_wall_ns >= _moment("start")) AND ("end" IS NULL OR cg.from_wall_ns <= _moment("end"))
UNION ALL
SELECT NULL, min(ci.wall_ns), max(ci.wall_ns), 'payload', count(*),
       _bigint(sum(_minus(ci.size_bytes, coalesce(octet_length(ci.data), 0))))
         || ' bytes of these calls are not in io.data: beyond the limit per call, over the budget, or moved inside the kernel',
       any_value(ci_h.name)
FROM io AS ci LEFT JOIN host AS ci_h ON ci_h.host_id = ci.host_id
WHERE ci.size_bytes > coalesce(octet_length(ci.data), 0)
  AND ("start" IS NULL OR ci.wall_ns >= _moment("start")) AND ("end" IS NULL OR ci.wall_ns <= _moment("end"))
GROUP BY ci.host_id
) AS co
ORDER BY co.from_wall_ns, co.loss_class;
