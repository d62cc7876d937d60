// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/json.hpp"
#include "api/snapshot.hpp"
#include "base/result.hpp"

/// Processes as openapi.yaml describes them.
namespace spoor::api {

/// Of `process AS p JOIN host AS h`.
inline constexpr std::string_view kProcessColumns =
    "p.process_id, p.host_id, h.name AS host, p.pid, p.parent_process_id, p.start_wall_ns, "
    "p.end_wall_ns, p.exit_code, p.baseline, p.name, p.executable, p.command_line, p.uid, p.euid, "
    "CASE WHEN p.uid = 0 THEN 'root' END AS \"user\", coalesce(p.euid = 0, FALSE) AS is_root";

/// Those that fit `condition`, with their sessions, as far as `limit`. `order`: of ORDER BY.
Result<Json> ReadProcesses(store::Store& store, const Snapshot::Sessions& sessions,
                           const std::string& condition, const std::vector<store::Value>& values,
                           const std::string& order, std::int64_t limit);

/// An exact integer again (json.hpp); 0 for anything else.
std::int64_t NumberIn(const Json& exact);

}  // namespace spoor::api
