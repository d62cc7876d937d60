// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/result.hpp"
#include "wire/retention.hpp"

namespace spoor::wire {

/// What a log says of the beginning that a policy removed from it.
struct RemovedBeginning {
  Retention retention;
  Carried carried;          ///< over from the removed entries
  std::uint64_t entry = 0;  ///< the retention entry that says it; what is carried stands before it
};

/// Finds it in entries that were taken out of a log. Memory: what one retention entry carries.
class RemovedBeginningFinder {
 public:
  /// The next entry, in ascending order; there may be holes. Fails: kCorrupt (a retention entry or
  /// carried state that is none), kUnsupported.
  Result<> Add(std::uint64_t entry_index, std::span<const std::byte> entry);
  /// What the newest retention entry says of which everything that it carries was added, too.
  /// Nothing: there was none. Lives as long as the finder.
  const std::optional<RemovedBeginning>& found() const { return found_; }

 private:
  std::uint64_t carried_from_ = 0, carried_until_ = 0;  ///< entries of kCarried, side by side
  std::vector<std::vector<std::byte>> payloads_;        ///< of these
  std::optional<RemovedBeginning> found_;
};

}  // namespace spoor::wire
