-- SPDX-License-Identifier: Apache-2.0
-- question:  Which nanoseconds since 1970 are meant by this time, a number or written as it is printed?
-- reads:     wall_time
-- parameter: time  time  ns since 1970, or RFC 3339 as text
-- column:    value  BIGINT  to compare with columns named wall_ns
-- limits:    as wall_time; text that is no time is an error
-- source:    our own
CREATE OR REPLACE MACRO _moment("time") AS
  CASE WHEN regexp_full_match(CAST("time" AS VARCHAR), '-?[0-9]+') THEN CAST(CAST("time" AS VARCHAR) AS BIGINT)
  ELSE wall_time(CAST("time" AS VARCHAR)) END;
