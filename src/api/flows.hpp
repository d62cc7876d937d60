// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "api/filter.hpp"
#include "api/json.hpp"
#include "api/parameters.hpp"
#include "api/snapshot.hpp"
#include "base/result.hpp"

/// Flows as openapi.yaml describes them: of several observers of one conversation one row.
namespace spoor::api {

/// What of `conversation` a request asks for: host_id, process_id, the span and `where`.
/// Fails: kInvalidArgument.
Result<Filter> FlowFilterOf(const Parameters& parameters, const Snapshot::Alerts& alerts);

/// WITH conversation (the columns of flow, `conversation_id`, and `alerts`: their number).
std::string FlowsSql(const Snapshot::Alerts& alerts);

/// The columns that FinishFlows begins with.
inline constexpr std::string_view kFlowColumns =
    "c.flow_id, c.host_id, h.name AS host, c.observer, c.source_ip, c.source_port, "
    "c.destination_ip, c.destination_port, c.transport, c.application, c.begin_wall_ns, "
    "c.end_wall_ns, c.source_packets, c.destination_packets, c.source_bytes, "
    "c.destination_bytes, c.state, c.direction, c.community_id, c.conversation_id";

/// Adds operating systems, processes and alerts to rows of kFlowColumns.
Result<> FinishFlows(store::Store& store, const Snapshot::Alerts& alerts, Json& flows);

/// Conversations of a process, at most 200.
Result<Json> FlowsOfProcess(store::Store& store, const Snapshot::Alerts& alerts,
                            std::int64_t process_id);

/// "(1, 2, 3)", which is never empty: ids are not 0.
std::string IdsSql(std::span<const std::int64_t> ids);

}  // namespace spoor::api
