-- SPDX-License-Identifier: Apache-2.0
-- question:  Which sessions look like a break-in, the most suspicious first, and why?
-- reads:     sessions, root_transitions, flow, _flow_owner, _session_walk, _is_login_program
-- column:    session_id     BIGINT     the session
-- column:    score          BIGINT     sum of the weights of the reasons: for ordering only
-- column:    reasons        VARCHAR[]  in words, the weightiest first
-- column:    begin_wall_ns  BIGINT     when the session began
-- limits:    a rule of thumb to begin with; a session that is not here is not cleared. CGI programs written for a
--            shell are here with the weight 1
-- source:    FX-22, D9
CREATE OR REPLACE VIEW suspicious_sessions AS
WITH known AS MATERIALIZED (
  SELECT s.*, s.daemon IS NOT NULL AND NOT _is_login_program(s.daemon) AS uninvited FROM sessions AS s
), reason AS (
  SELECT k.session_id, CASE WHEN t.cause = 'unexplained' THEN 10 WHEN k.uninvited THEN 8 ELSE 3 END AS weight,
         coalesce('pid ' || t.pid, 'a process') || ' became root: it ' || t.explanation AS words
  FROM known AS k JOIN root_transitions AS t ON t.session_id = k.session_id
  WHERE t.cause <> 'regained'
  UNION ALL
  SELECT k.session_id, 4, 'something in it read from a terminal, though ' || k.daemon || ' lets nobody log in'
  FROM known AS k WHERE k.uninvited AND k.interactive
  UNION ALL
  SELECT k.session_id, 2, 'it connected out to ' || f.destination_ip || ' port ' || f.destination_port
  FROM known AS k JOIN _session_walk AS w ON w.session_id = k.session_id
  JOIN _flow_owner AS o ON o.process_id = w.process_id JOIN flow AS f ON f.flow_id = o.flow_id
  WHERE k.uninvited AND f.direction = 'outbound' AND f.destination_ip NOT LIKE '127.%'
    AND f.destination_ip <> '::1' AND k.kind <> 'scheduled' AND coalesce(f.state, 'connected') = 'connected'
  GROUP BY k.session_id, f.destination_ip, f.destination_port
  UNION ALL
  SELECT k.session_id, 1, 'a shell was executed in it, though ' || k.daemon || ' lets nobody log in'
  FROM known AS k WHERE k.uninvited AND k.shell AND k.kind <> 'scheduled'
)
SELECT r.session_id, sum(r.weight)::BIGINT AS score, list(r.words ORDER BY r.weight DESC, r.words) AS reasons,
       any_value(k.begin_wall_ns) AS begin_wall_ns
FROM reason AS r JOIN known AS k ON k.session_id = r.session_id
GROUP BY r.session_id
ORDER BY score DESC, begin_wall_ns, r.session_id;
