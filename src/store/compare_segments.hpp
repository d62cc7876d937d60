// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace spoor::store {

struct SegmentsToCompare {
  std::vector<std::filesystem::path> stored;   ///< live segments, hostile until shown otherwise
  std::vector<std::filesystem::path> derived;  ///< what the evidence gives
  std::filesystem::path scratch;               ///< folder for what does not fit into memory
};

/// Says how the rows of `stored` and `derived` differ, or their columns (as a multiset: exact, no
/// hash of rows that a forger could aim at), as one line that quotes the first row; nothing when
/// they do not. At most 512 MiB of memory. Fails: kIo, kUnavailable.
Result<std::optional<std::string>> CompareSegments(const SegmentsToCompare& files);

}  // namespace spoor::store
