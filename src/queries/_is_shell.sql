-- SPDX-License-Identifier: Apache-2.0
-- question:  Is a program of this path a command shell?
-- reads:     _program_name
-- parameter: path  text  path of the program
-- column:    value  BOOLEAN  true: a shell by its name
-- limits:    by name only: a renamed shell is not known; busybox counts, whatever it is asked to be
-- source:    FX-22
CREATE OR REPLACE MACRO _is_shell(path) AS
  _program_name(path) IN ('sh', 'bash', 'rbash', 'dash', 'ash', 'zsh', 'zsh5', 'ksh', 'ksh93', 'mksh',
                          'tcsh', 'csh', 'fish', 'busybox');
