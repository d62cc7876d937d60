-- SPDX-License-Identifier: Apache-2.0
-- question:  Which objects have been called this, at any time?
-- reads:     object_name
-- parameter: path  text  absolute path; a * stands for any text
-- column:    object_id      BIGINT   the object
-- column:    path           VARCHAR  the name that fits
-- column:    from_boot_ns   BIGINT   called so from
-- column:    until_boot_ns  BIGINT   until; NULL: still
-- limits:    names given before the recording are known from the first use after it began; where too much lay
--            below a renamed folder, a * finds the names that were used (gap, class 'name')
-- source:    FX-31
CREATE OR REPLACE MACRO _objects_called(path) AS TABLE
SELECT oc.object_id, oc.path, oc.from_boot_ns, oc.until_boot_ns
FROM _called(path) AS oc
UNION
SELECT oc.object_id, oc.path, oc.from_boot_ns, oc.until_boot_ns
FROM object_name AS oc WHERE contains(path, '*') AND oc.path GLOB path;
