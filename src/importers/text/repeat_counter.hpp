// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>

namespace spoor::importers {

/// Tells alerts that say the same apart by how many there were before, so that a file gives the
/// same ids whenever it is read. What is far back in the file is forgotten.
class RepeatCounter {
 public:
  /// How often `content` was counted before.
  std::uint64_t Count(std::string_view content) {
    if (seen_.size() >= kSeenMax) seen_.clear();
    return seen_[std::hash<std::string_view>()(content)]++;
  }

 private:
  static constexpr std::size_t kSeenMax = 1 << 16;
  std::unordered_map<std::size_t, std::uint64_t> seen_;
};

}  // namespace spoor::importers
