-- SPDX-License-Identifier: Apache-2.0
-- question:  How do these bytes read, with everything that is not printable ASCII as \xNN?
-- parameter: data  text  bytes
-- column:    value  VARCHAR  readable; a backslash is \x5C
-- limits:    none
-- source:    our own
CREATE OR REPLACE MACRO _visible(data) AS
  replace(replace(CAST(data AS VARCHAR), '\x22', '"'), '\x27', '''');
