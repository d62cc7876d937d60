-- SPDX-License-Identifier: Apache-2.0
-- What the rows of segments have more than the tables of schema.sql. Run after it, in the same schema.

-- The same rows as `event`, sorted by object: "who touched F" reads a handful of row groups.
CREATE TABLE event_by_object AS FROM event;

-- These are described by several rows, one for each segment in which something about them changed;
-- `revision` (the event_id up to which a row knows) says which of them knows best.
ALTER TABLE process ADD COLUMN revision BIGINT;
ALTER TABLE object ADD COLUMN revision BIGINT;
ALTER TABLE object_name ADD COLUMN revision BIGINT;
ALTER TABLE socket ADD COLUMN revision BIGINT;
ALTER TABLE flow ADD COLUMN revision BIGINT;  -- byte counts of a row: since the one before it
