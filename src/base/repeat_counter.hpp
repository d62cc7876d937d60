// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <unordered_map>

namespace spoor {

/// Tells what a file says several times apart by how often it was said before, so that a file gives
/// the same numbers whenever it is read, and so does another file that holds the same part of a
/// log. Memory: two times kSeenMax contents; what is further back in the file is forgotten.
class RepeatCounter {
 public:
  static constexpr std::size_t kSeenMax = 1 << 18;

  /// How often `content` was counted before.
  std::uint64_t Count(std::string_view content) {
    return Count(static_cast<std::uint64_t>(std::hash<std::string_view>()(content)));
  }
  /// The same of a content that is known by a hash.
  std::uint64_t Count(std::uint64_t hash) {
    if (seen_.size() >= kSeenMax) {
      before_ = std::move(seen_);
      seen_.clear();
    }
    const auto [found, made] = seen_.try_emplace(hash, 0);
    if (made) {
      if (const auto earlier = before_.find(hash); earlier != before_.end()) {
        found->second = earlier->second;
      }
    }
    return found->second++;
  }

 private:
  std::unordered_map<std::uint64_t, std::uint64_t> seen_,
      before_;  // by hash; the newest, and those before
};

}  // namespace spoor
