-- SPDX-License-Identifier: Apache-2.0
-- question:  Which systems was an address taken to have, when, and by whom?
-- reads:     fingerprint
-- parameter: address  text  the address; none: all  [default]
-- column:    ip             VARCHAR  the address
-- column:    os             VARCHAR  the system
-- column:    method         VARCHAR  how that was found out
-- column:    first_wall_ns  BIGINT   when it was first seen
-- column:    last_wall_ns   BIGINT   when it was last seen
-- column:    count          BIGINT   how often
-- column:    flow_id        BIGINT   the first flow that it was seen on
-- limits:    a guess of a tool; behind one address there may be several systems, and whoever wants to can look like another
-- source:    WAL-24, HF-12
CREATE OR REPLACE MACRO os_of(address := NULL) AS TABLE
SELECT oi.ip, oi.os, oi.method, min(oi.wall_ns) AS first_wall_ns, max(oi.wall_ns) AS last_wall_ns, count(*) AS count,
       arg_min(oi.flow_id, oi.wall_ns) AS flow_id
FROM fingerprint AS oi WHERE address IS NULL OR oi.ip = address
GROUP BY oi.ip, oi.os, oi.method ORDER BY oi.ip, first_wall_ns, oi.os, oi.method;
