// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "ingest/catch_up.hpp"

namespace spoor::programs {

/// When a flow of packets is over though nobody said so, as somebody asks for it.
struct FlowOptions {
  std::string established_idle, other_idle, active;  ///< durations; empty: what is usual
};
void AddFlowOptions(CLI::App& subcommand, FlowOptions& options);

/// Absent: all is as usual. Fails: kInvalidArgument.
Result<std::optional<ingest::FlowTimeouts>> FlowTimeoutsOf(const FlowOptions& options);

}  // namespace spoor::programs
