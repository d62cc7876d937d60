// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "wire/batch.hpp"

namespace spoor::wire {

/// What a log has of one recording.
struct RecordingExtent {
  std::uint64_t first_entry = 0, last_entry = 0;  ///< of the log
  std::uint64_t batch_count = 0;
  std::uint64_t missing_batch_count = 0;             ///< numbers that the log skips
  std::int64_t first_wall_ns = 0, last_wall_ns = 0;  ///< when its first and last batch were sealed
  bool is_account = false;  ///< of a collector or an import, no recording of a host
  bool closed = false;  ///< its last batch says how it ended; without it, it was cut off or runs
};

/// Follows the recordings through a log: that each begins with its description, that no batch of it
/// is missing (Finish), changed places or was put in, and that none follows its end. Memory: one
/// small record for each recording.
class BatchChain {
 public:
  /// What the entries are that it is given.
  enum class Of {
    kLog,      ///< all that a log has, from its beginning or from where Continue says
    kExcerpt,  ///< some entries of a log: batches of an account may be missing, too
  };
  BatchChain() = default;
  explicit BatchChain(Of of) : of_(of) {}

  /// The next entry of the log. Fails: kUnverified (what is wrong, naming entry and recording),
  /// kUnsupported (a batch of a newer format).
  Result<> Add(std::uint64_t entry_index, std::span<const std::byte> entry);
  /// The same for a batch that is decoded; `sha256`: of it as encoded. A batch that is refused
  /// leaves no trace. Fails: kUnverified (what is wrong, naming the recording).
  Result<> Follow(std::uint64_t entry_index, const Batch& batch, const Sha256& sha256);

  /// Before the first entry of a recording whose beginning was removed: as it stood there.
  void Continue(const RecordingId& id, const RecordingExtent& extent, const Sha256& last_sha256);

  /// After the last entry. A recording without some of its batches is tolerated only where a
  /// collector kept account of what it received, for a sensor may have had to drop some, or an
  /// import of what it brought, which may have been a part. Fails: kUnverified, naming the first
  /// batch that is out of place.
  Result<> Finish() const;

  struct Recording {
    RecordingExtent extent;
    Sha256 last_sha256{};
  };
  const std::map<RecordingId, Recording>& recordings() const { return recordings_; }
  /// The same as the log has them, by their first entry: for people to read.
  std::vector<std::pair<RecordingId, Recording>> InOrder() const;
  /// The batch that Add took last, decoded: for whoever looks at the same entries.
  const Batch& last_batch() const { return last_batch_; }

 private:
  Of of_ = Of::kLog;
  std::map<RecordingId, Recording> recordings_;
  bool has_account_ = false;
  std::optional<Error> first_gap_;
  Batch last_batch_;
};

}  // namespace spoor::wire
