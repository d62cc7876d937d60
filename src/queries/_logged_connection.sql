-- SPDX-License-Identifier: Apache-2.0
-- question:  Which connections do the logs tell of on which somebody tried to log in?
-- reads:     host_log
-- column:    connection  BIGINT     a number of it
-- column:    host        VARCHAR    where
-- column:    kind        VARCHAR    'ssh', 'login' (console): each try is one, or 'remote': wtmp does not say by which program
-- column:    source_ip   VARCHAR    who connected; NULL: console
-- column:    source_port BIGINT     from which port; NULL: the log does not say
-- column:    wall_ns     BIGINT     first line
-- column:    end_wall_ns BIGINT     end of the connection; NULL: not told
-- column:    succeeded   BOOLEAN    somebody logged in
-- column:    name        VARCHAR    who did; NULL: nobody
-- column:    names       VARCHAR[]  that were tried, in the order of first use
-- column:    methods     VARCHAR[]  likewise
-- column:    keys        VARCHAR[]  likewise
-- column:    sources     VARCHAR[]  the logs
-- limits:    lines of one address and port belong together until ten minutes pass without any; a line without a port is
--            left out where one with a port tells of the same address within two minutes
-- source:    ENH-5
CREATE OR REPLACE VIEW _logged_connection AS
WITH lc_line AS MATERIALIZED (
  SELECT g.*, CASE WHEN regexp_matches(g.program, '(^|/)login$') THEN 'login'
                      WHEN g.source <> 'wtmp' OR g.program IS NOT NULL THEN 'ssh'
                      WHEN g.source_ip IS NULL THEN 'login' ELSE 'remote' END AS door,
         row_number() OVER () AS line
  FROM host_log AS g WHERE g.kind LIKE 'login%' AND g.wall_ns IS NOT NULL
), lc_kept AS (
  SELECT l.* FROM lc_line AS l
  WHERE l.kind <> 'login_ended' AND (l.source_port IS NOT NULL OR l.door = 'login' OR NOT EXISTS (
    SELECT 1 FROM lc_line AS o WHERE o.host = l.host AND o.source_ip = l.source_ip AND o.source_port IS NOT NULL
      AND o.wall_ns BETWEEN l.wall_ns - 120000000000 AND l.wall_ns + 120000000000))
), lc_begun AS (
  SELECT k.*, k.source_port IS NULL OR coalesce(_minus(k.wall_ns, lag(k.wall_ns) OVER by_ends) > 600000000000, TRUE) AS begins
  FROM lc_kept AS k WINDOW by_ends AS (PARTITION BY k.host, k.source_ip, k.source_port ORDER BY k.wall_ns, k.line)
), lc_numbered AS (
  SELECT b.*, sum(CASE WHEN b.begins THEN 1 ELSE 0 END) OVER (ORDER BY b.host, b.source_ip, b.source_port, b.wall_ns, b.line) AS connection
  FROM lc_begun AS b
), lc_use AS (
  SELECT n.connection, 'name' AS what, n."user" AS value, min((n.wall_ns, n.line)) AS at FROM lc_numbered AS n
  WHERE n."user" IS NOT NULL GROUP BY n.connection, n."user"
  UNION ALL
  SELECT n.connection, 'method', lower(n.method), min((n.wall_ns, n.line)) FROM lc_numbered AS n
  WHERE n.method IS NOT NULL GROUP BY n.connection, lower(n.method)
  UNION ALL
  SELECT n.connection, 'key', n.key, min((n.wall_ns, n.line)) FROM lc_numbered AS n
  WHERE n.key IS NOT NULL GROUP BY n.connection, n.key
), lc_used AS (
  SELECT u.connection, list(u.value ORDER BY u.at) FILTER (WHERE u.what = 'name') AS names,
         list(u.value ORDER BY u.at) FILTER (WHERE u.what = 'method') AS methods,
         list(u.value ORDER BY u.at) FILTER (WHERE u.what = 'key') AS keys
  FROM lc_use AS u GROUP BY u.connection
), lc_connection AS (
  SELECT n.connection, any_value(n.host) AS host, any_value(n.door) AS kind, any_value(n.source_ip) AS source_ip,
         any_value(n.source_port) AS source_port, min(n.wall_ns) AS wall_ns, bool_or(n.kind = 'login') AS succeeded,
         min(n."user") FILTER (WHERE n.kind = 'login') AS name, list_sort(list(DISTINCT n.source)) AS sources
  FROM lc_numbered AS n GROUP BY n.connection
), lc_end AS (
  SELECT c.connection, min(e.wall_ns) AS end_wall_ns
  FROM (SELECT cc.*, lead(cc.wall_ns) OVER (PARTITION BY cc.host, cc.source_ip, cc.source_port ORDER BY cc.wall_ns) AS next_wall_ns
        FROM lc_connection AS cc WHERE cc.source_port IS NOT NULL) AS c
  JOIN lc_line AS e ON e.kind = 'login_ended' AND e.host = c.host AND e.source_ip = c.source_ip
    AND e.source_port = c.source_port AND e.wall_ns >= c.wall_ns AND (c.next_wall_ns IS NULL OR e.wall_ns < c.next_wall_ns)
  GROUP BY c.connection
)
SELECT _bigint(c.connection) AS connection, c.host, c.kind, c.source_ip, c.source_port, c.wall_ns, e.end_wall_ns, c.succeeded,
       c.name, coalesce(u.names, []) AS names, coalesce(u.methods, []) AS methods, coalesce(u.keys, []) AS keys, c.sources
FROM lc_connection AS c LEFT JOIN lc_used AS u ON u.connection = c.connection
LEFT JOIN lc_end AS e ON e.connection = c.connection;
