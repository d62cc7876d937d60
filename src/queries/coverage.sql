-- SPDX-License-Identifier: Apache-2.0
-- question:  What could not be seen in this span?
-- reads:     gap
-- parameter: start  time  begin of the span; none: the first record  [default]
-- parameter: end    time  end of the span; none: the last record  [default]
-- column:    recording_id   VARCHAR  the recording
-- column:    from_wall_ns   BIGINT   begin of the gap
-- column:    until_wall_ns  BIGINT   end of the gap
-- column:    loss_class     VARCHAR  what kind of record is missing; 'end': the sensor was killed
-- column:    count          BIGINT   how many; NULL: not known
-- column:    reason         VARCHAR  why
-- limits:    what no recording covers at all is not a gap: see the table recording
-- source:    D1
CREATE OR REPLACE MACRO coverage("start" := NULL, "end" := NULL) AS TABLE
SELECT cg.recording_id, cg.from_wall_ns, cg.until_wall_ns, cg.loss_class, cg.count, cg.reason
FROM gap AS cg
WHERE ("start" IS NULL OR cg.until_wall_ns >= "start") AND ("end" IS NULL OR cg.from_wall_ns <= "end")
ORDER BY cg.from_wall_ns, cg.loss_class;
