-- SPDX-License-Identifier: Apache-2.0
-- question:  Which processes were alive at any moment between start and end?
-- reads:     process, host, _moment
-- parameter: start  time  begin of the span; none: the first record  [default]
-- parameter: end    time  end of the span; none: the last record  [default]
-- column:    process_id         BIGINT   the process
-- column:    pid                BIGINT   its number in the initial pid namespace
-- column:    parent_process_id  BIGINT   its creator; NULL: not seen
-- column:    name               VARCHAR  last known command name
-- column:    command_line       VARCHAR  last known arguments
-- column:    uid                BIGINT   last known real user
-- column:    euid               BIGINT   last known effective user
-- column:    start_wall_ns      BIGINT   NULL: not known
-- column:    end_wall_ns        BIGINT   NULL: not seen to end
-- column:    host               VARCHAR  name of the host
-- limits:    a process whose end was lost counts as alive until the end of the record; see coverage
-- source:    Forensix Active_Processes (FX-25)
CREATE OR REPLACE MACRO active_processes("start" := NULL, "end" := NULL) AS TABLE
SELECT ap.process_id, ap.pid, ap.parent_process_id, ap.name, ap.command_line, ap.uid, ap.euid,
       ap.start_wall_ns, ap.end_wall_ns, ap_h.name AS host
FROM process AS ap LEFT JOIN host AS ap_h ON ap_h.host_id = ap.host_id
WHERE ("end" IS NULL OR ap.start_wall_ns IS NULL OR ap.start_wall_ns <= _moment("end"))
  AND ("start" IS NULL OR ap.end_wall_ns IS NULL OR ap.end_wall_ns >= _moment("start"))
ORDER BY ap.start_wall_ns NULLS FIRST, ap.process_id;
