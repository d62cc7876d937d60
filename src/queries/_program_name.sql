-- SPDX-License-Identifier: Apache-2.0
-- question:  What is the last part of this path?
-- parameter: path  text  a path
-- column:    value  VARCHAR  the text behind its last slash
-- limits:    none
-- source:    our own
CREATE OR REPLACE MACRO _program_name(path) AS regexp_replace(path, '^.*/', '');
