// SPDX-License-Identifier: Apache-2.0
#include "programs/flow_options.hpp"

#include "base/time.hpp"
#include "packets/flow_builder.hpp"

namespace spoor::programs {
namespace {

Result<> Set(const char* option, const std::string& text, std::int64_t& timeout_ns) {
  if (text.empty()) return {};
  ASSIGN_OR_RETURN(timeout_ns, ParseDuration(text));
  if (timeout_ns > 0) return {};
  return Fail(ErrorCode::kInvalidArgument, "{} {}: must be more than nothing", option, text);
}

}  // namespace

void AddFlowOptions(CLI::App& subcommand, FlowOptions& options) {
  const std::string group = "Flows of packets";
  subcommand
      .add_option("--flow-idle", options.other_idle,
                  "a flow is over when nothing came of it for so long (1m)")
      ->type_name("DURATION")
      ->group(group);
  subcommand
      .add_option("--flow-established-idle", options.established_idle,
                  "the same of an established TCP connection (1h)")
      ->type_name("DURATION")
      ->group(group);
  subcommand
      .add_option("--flow-active", options.active,
                  "a flow that goes on for longer is told in parts, each with its own counts "
                  "(never)")
      ->type_name("DURATION")
      ->group(group);
}

Result<std::optional<ingest::FlowTimeouts>> FlowTimeoutsOf(const FlowOptions& options) {
  if (options.established_idle.empty() && options.other_idle.empty() && options.active.empty()) {
    return std::optional<ingest::FlowTimeouts>();
  }
  const packets::FlowPolicy usual;
  ingest::FlowTimeouts timeouts{.established_idle_ns = usual.established_idle_ns,
                                .other_idle_ns = usual.other_idle_ns,
                                .active_ns = usual.active_ns};
  RETURN_IF_ERROR(
      Set("--flow-established-idle", options.established_idle, timeouts.established_idle_ns));
  RETURN_IF_ERROR(Set("--flow-idle", options.other_idle, timeouts.other_idle_ns));
  RETURN_IF_ERROR(Set("--flow-active", options.active, timeouts.active_ns));
  return std::optional(timeouts);
}

}  // namespace spoor::programs
