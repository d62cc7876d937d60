-- SPDX-License-Identifier: Apache-2.0
-- question:  Which other sessions belong together with this one, by the address they came from, a tunnel that one opened for the other, or a file that one left and the other used?
-- reads:     sessions, process, _file_link
-- parameter: session  session  the session
-- column:    host           VARCHAR  host of the other session
-- column:    session_id     BIGINT   the other session
-- column:    link           VARCHAR  'address', 'connection' (a process of the one had the other end of what the other came in over), 'key', 'job' (anything else that was left and is run)
-- column:    words          VARCHAR  the link in words
-- column:    begin_wall_ns  BIGINT   when the other session began
-- column:    logged_in      BOOLEAN  as in sessions
-- column:    uid            BIGINT   as in sessions
-- limits:    many people can come from one address; that a file was read is no proof that it was the way in
-- source:    D18
CREATE OR REPLACE MACRO related_sessions(session) AS TABLE
WITH rs_known AS MATERIALIZED (SELECT rk.* FROM sessions AS rk),
rs_link AS (
  SELECT o.session_id, 'address' AS link, 'it came from the same address, ' || o.origin_ip
           || CASE WHEN o.origin_session_id = o.session_id THEN ''
                   ELSE ', by way of session ' || o.origin_session_id END AS words
  FROM rs_known AS me JOIN rs_known AS o ON o.origin_ip = me.origin_ip
  WHERE me.session_id = session AND o.session_id <> session
  UNION ALL
  SELECT o.session_id, 'connection', 'it came in over a connection that ' || coalesce('pid ' || p.pid, 'a process')
           || ' of this session had the other end of'
  FROM rs_known AS o JOIN process AS p ON p.process_id = o.via_process_id
  WHERE o.via_session_id = session
  UNION ALL
  SELECT me.via_session_id, 'connection', 'its ' || coalesce('pid ' || p.pid, 'process')
           || ' had the other end of a connection that this session came in over'
  FROM rs_known AS me JOIN process AS p ON p.process_id = me.via_process_id
  WHERE me.session_id = session
  UNION ALL
  SELECT l.session_id, CASE WHEN l.means = 'key' THEN 'key' ELSE 'job' END,
         'before it began or let anybody in, ' || l.path || ' was read, which this session had changed'
  FROM _file_link AS l WHERE l.planter_session_id = session
  UNION ALL
  SELECT l.planter_session_id, CASE WHEN l.means = 'key' THEN 'key' ELSE 'job' END,
         'it had changed ' || l.path || ', which was read before this session began or let anybody in'
  FROM _file_link AS l WHERE l.session_id = session
)
SELECT o.host, rl.session_id, rl.link, rl.words, o.begin_wall_ns, o.logged_in, o.uid
FROM rs_link AS rl JOIN rs_known AS o ON o.session_id = rl.session_id
ORDER BY o.begin_wall_ns, rl.session_id, rl.link, rl.words;
