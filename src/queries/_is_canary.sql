-- SPDX-License-Identifier: Apache-2.0
-- question:  Is this one of the calls that the sensor has made to see whether it still sees?
-- parameter: path    text     name that the call was made on
-- parameter: result  integer  of the call
-- column:    value  BOOLEAN  true: refused, on a name as canaries have it
-- limits:    anybody can have a call refused on such a name, and gains nothing by it; the tables hold it
-- source:    our own; docs/design/0010-canaries.md
CREATE OR REPLACE MACRO _is_canary(path, result) AS
  coalesce(result < 0 AND regexp_full_match(path, '/run/spoor-canary/[0-9a-f]{32}'), FALSE);
