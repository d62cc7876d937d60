-- SPDX-License-Identifier: Apache-2.0
-- question:  Which process does a flow count for?
-- reads:     _flow_process_seen
-- column:    flow_id     BIGINT  the flow
-- column:    process_id  BIGINT  the one that is believed most; of several, the one that was there first
-- limits:    a flow that no process was found for is not here
-- source:    FX-20
CREATE OR REPLACE VIEW _flow_owner AS
SELECT fo.flow_id,
       first(fo.process_id ORDER BY fo.confidence DESC, fo.first_wall_ns NULLS LAST, fo.process_id) AS process_id
FROM _flow_process_seen AS fo GROUP BY fo.flow_id;
