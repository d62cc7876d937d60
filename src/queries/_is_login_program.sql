-- SPDX-License-Identifier: Apache-2.0
-- question:  Is a program of this path one that lets users in by design?
-- reads:     _program_name
-- parameter: path  text  path of the program
-- column:    value  BOOLEAN  true: sshd, telnetd or login, by name
-- limits:    by name only
-- source:    FX-22
CREATE OR REPLACE MACRO _is_login_program(path) AS
  _program_name(path) IN ('sshd', 'sshd-session', 'sshd-auth', 'telnetd', 'in.telnetd', 'login');
