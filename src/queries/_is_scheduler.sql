-- SPDX-License-Identifier: Apache-2.0
-- question:  Is a program of this path one that starts jobs by the clock?
-- reads:     _program_name
-- parameter: path  text  path of the program
-- column:    value  BOOLEAN  true: cron, atd and their like, by name
-- limits:    by name only; systemd timers start their jobs from process 1 and are not counted
-- source:    FX-21
CREATE OR REPLACE MACRO _is_scheduler(path) AS
  _program_name(path) IN ('cron', 'crond', 'anacron', 'atd', 'fcron');
