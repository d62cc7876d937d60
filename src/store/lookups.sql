-- SPDX-License-Identifier: Apache-2.0
-- Look-ups that more than one stage needs. Run after the tables, or the views of them, are there.

-- Which objects have been called `wanted`, and from when until when? A rename of a folder with much below
-- it is one row of object_name, that of the folder (docs/formats/store.md, "Numbers and names"): names below
-- ended with the folder's name, and go on under its later ones until the object is seen under a name again.
CREATE MACRO _called(wanted) AS TABLE
WITH folder AS MATERIALIZED (
  SELECT substr(wanted, 1, position.i - 1) AS path, substr(wanted, position.i) AS rest
  FROM (SELECT unnest(range(2, length(wanted) + 1)) AS i) AS position
  WHERE substr(wanted, position.i, 1) = '/' AND EXISTS (SELECT 1 FROM gap AS g WHERE g.loss_class = 'name')
), later AS MATERIALIZED (
  SELECT f.rest, n.object_id, n.from_boot_ns, n.until_boot_ns
  FROM object_name AS n JOIN folder AS f ON f.path = n.path
), below AS MATERIALIZED (
  SELECT n.object_id, l.from_boot_ns, l.until_boot_ns, n.until_boot_ns AS renamed_boot_ns
  FROM later AS l
  JOIN object_name AS earlier ON earlier.object_id = l.object_id AND earlier.until_boot_ns <= l.from_boot_ns
  JOIN object_name AS n ON n.path = earlier.path || l.rest AND n.until_boot_ns = earlier.until_boot_ns
)
SELECT n.object_id, n.path, n.from_boot_ns, n.until_boot_ns FROM object_name AS n WHERE n.path = wanted
UNION
SELECT b.object_id, wanted, b.from_boot_ns, b.until_boot_ns FROM below AS b
WHERE NOT EXISTS (SELECT 1 FROM object_name AS again WHERE again.object_id = b.object_id
                  AND again.from_boot_ns >= b.renamed_boot_ns AND again.from_boot_ns <= b.from_boot_ns);
