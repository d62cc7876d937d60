-- SPDX-License-Identifier: Apache-2.0
-- Checked arithmetic, for the views and for questions: what does not fit BIGINT ends at its ends (as
-- base/saturating.hpp), so that one row with a number at the end of its range does not end everybody's
-- question. NULL stays NULL.

-- A HUGEINT, such as a sum, as BIGINT.
CREATE MACRO _bigint(number) AS
  CASE WHEN number > 9223372036854775807 THEN 9223372036854775807
       WHEN number < -9223372036854775808 THEN CAST(-9223372036854775808 AS BIGINT)
       ELSE TRY_CAST(number AS BIGINT) END;
CREATE MACRO _plus(a, b) AS _bigint(CAST(a AS HUGEINT) + b);
CREATE MACRO _minus(a, b) AS _bigint(CAST(a AS HUGEINT) - b);
