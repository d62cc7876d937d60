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
  std::string fingerprints;                          ///< file; empty: where Debian has it
};
void AddFlowOptions(CLI::App& subcommand, FlowOptions& options);

/// Absent: all is as usual. Fails: kInvalidArgument.
Result<std::optional<ingest::FlowTimeouts>> FlowTimeoutsOf(const FlowOptions& options);

/// What a p0f.fp holds for SYNs (ImportDescription::fingerprint_database); empty where none was
/// asked for and there is none. Fails: kNotFound, kInvalidArgument.
Result<std::string> FingerprintDatabaseOf(const FlowOptions& options);
/// What is missing without it, for people.
std::string NoFingerprintsText();

}  // namespace spoor::programs
