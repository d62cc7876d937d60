-- SPDX-License-Identifier: Apache-2.0
-- question:  What went in and out of this shell?
-- reads:     io
-- parameter: process  process  the shell
-- column:    wall_ns     BIGINT   end of the (last merged) call
-- column:    process_id  BIGINT   the process
-- column:    fd          BIGINT   0, 1 or 2
-- column:    direction   VARCHAR  'in' (typed) or 'out' (printed)
-- column:    object_id   BIGINT   the terminal, pipe or socket
-- column:    path        VARCHAR  its name
-- column:    size_bytes  BIGINT   moved
-- column:    count       BIGINT   calls merged
-- column:    text        VARCHAR  the captured bytes, those that are not printable ASCII as \xNN
-- column:    data        BLOB     the captured bytes; NULL: not captured
-- column:    event_id    BIGINT   the event
-- needs:     payload of terminals (profile honeypot); without it data is NULL
-- limits:    what the commands print that the shell starts is theirs: see spoor replay for the whole screen
-- source:    Forensix Replay_Shell (FX-35), as theirs a case of IO
CREATE OR REPLACE MACRO replay_shell(process) AS TABLE
SELECT rs.* FROM io(process, fds := [0, 1, 2]) AS rs;
