// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace spoor::programs {

/// What a question that somebody else wrote (in a proof bundle) may cost here.
struct QuestionLimits {
  std::uint64_t memory_bytes_max = std::uint64_t{4} << 30;
  std::string time_max = "10m";

  /// Declares --memory-max and --time-max.
  void AddTo(CLI::App& subcommand);
  /// Fails: kInvalidArgument (no duration, or not above 0).
  Result<std::chrono::nanoseconds> time() const;
  /// Holds this process to twice the memory and 1 GiB for all else, for what DuckDB does not count:
  /// allocations above that fail. Never more than the limit that the process has.
  void HoldProcess() const;
};

}  // namespace spoor::programs
