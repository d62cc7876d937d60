-- SPDX-License-Identifier: Apache-2.0
-- question:  Which nanoseconds since 1970 are this time, written as it is printed?
-- parameter: text  text  RFC 3339, 'open' or 'beginning'
-- column:    value  BIGINT  to compare with columns named wall_ns
-- limits:    years 1678 to 2261
-- source:    our own
CREATE OR REPLACE MACRO wall_time(text) AS
  CASE text WHEN 'open' THEN 9223372036854775807 WHEN 'beginning' THEN -9223372036854775807
  ELSE epoch_ns(CAST(text AS TIMESTAMP_NS)) END;
