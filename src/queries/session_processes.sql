-- SPDX-License-Identifier: Apache-2.0
-- question:  Which processes make up this session, who were they, and what did they execute?
-- reads:     _session_walk, process, exec, host
-- narrows:   tree
-- parameter: session  session  the session
-- column:    process_id         BIGINT   the process
-- column:    pid                BIGINT   its number in the initial pid namespace
-- column:    parent_process_id  BIGINT   its creator
-- column:    name               VARCHAR  last known command name
-- column:    command_line       VARCHAR  last known arguments
-- column:    uid                BIGINT   last known real user
-- column:    euid               BIGINT   last known effective user
-- column:    start_wall_ns      BIGINT   NULL: not known
-- column:    end_wall_ns        BIGINT   NULL: not seen to end
-- column:    exit_code          BIGINT   as wait(2) gives it; NULL: not seen to end
-- column:    programs           BIGINT   programs it executed
-- column:    host               VARCHAR  name of the host
-- limits:    as sessions
-- source:    FX-23
CREATE OR REPLACE MACRO session_processes(session) AS TABLE
SELECT sp.process_id, sp.pid, sp.parent_process_id, sp.name, sp.command_line, sp.uid, sp.euid,
       sp.start_wall_ns, sp.end_wall_ns, sp.exit_code,
       (SELECT count(*) FROM exec AS sp_x
        WHERE sp_x.process_id = sp.process_id AND sp_x.result = 0) AS programs, sp_h.name AS host
FROM process AS sp LEFT JOIN host AS sp_h ON sp_h.host_id = sp.host_id JOIN _session_walk AS sp_w ON sp_w.process_id = sp.process_id
WHERE sp_w.session_id = session
ORDER BY sp.start_boot_ns, sp.process_id;
