// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "analysis/open_store.hpp"
#include "evidence/excerpt.hpp"
#include "evidence/log.hpp"

/// Which entries of a log an export is of.
namespace spoor::analysis {

struct Choice {
  std::vector<std::string> recordings;  ///< hex ids; empty: all
  std::optional<evidence::EntryRange> entries{};
  std::int64_t from_wall_ns = INT64_MIN;
  std::int64_t until_wall_ns = INT64_MAX;
};

struct Selected {
  std::vector<evidence::EntryRange> ranges;
  bool lacks_removed = false;  ///< entries that a policy removed may have been of the choice, too
};

/// Fails: kInvalidArgument (a recording is not in the log), kUnverified, kIo.
Result<Selected> Select(evidence::LogReader& log, Choice choice, const Progress& progress);

}  // namespace spoor::analysis
