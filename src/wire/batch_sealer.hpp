// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "base/result.hpp"
#include "wire/batch.hpp"

namespace spoor::wire {

/// A new recording's id: 16 random bytes.
RecordingId MakeRecordingId();
/// 32 hex digits.
std::string FormatRecordingId(const RecordingId& recording_id);

/// Turns what one recording says into encoded batches: numbers them, chains them by their digests,
/// and splits what does not fit into one. Not thread-safe.
class BatchSealer {
 public:
  /// Takes one encoded batch; the bytes live only during the call.
  using Sink = std::function<Result<>(const DigestedBytes&)>;

  /// When something was sealed, on both clocks, and Batch::complete_until_boot_ns.
  struct Moment {
    std::uint64_t boot_ns = 0;
    std::int64_t wall_ns = 0;
    std::uint64_t complete_until_boot_ns = 0;
  };

  BatchSealer(const RecordingId& recording_id, Sink sink)
      : recording_id_(recording_id), sink_(std::move(sink)) {}

  /// Hands `payload` to the sink in as many batches as it takes: kRecords is split between records,
  /// kImportData anywhere, the other kinds not at all. Only the last one carries the new
  /// complete_until_boot_ns. Fails: kInvalidArgument when it does not fit and cannot be split, or
  /// what the sink returned; later calls then continue the chain where the sink last succeeded.
  Result<> Seal(BatchKind kind, std::span<const std::byte> payload, const Moment& moment);

  std::uint64_t batch_count() const { return batch_index_; }
  std::uint64_t encoded_bytes() const { return encoded_bytes_; }

 private:
  Result<> SealPart(BatchKind kind, std::vector<std::byte> payload, const Moment& moment);
  Result<> Append(const DigestedBytes& encoded, const Moment& moment);

  RecordingId recording_id_;
  Sink sink_;
  std::uint64_t batch_index_ = 0;
  std::uint64_t encoded_bytes_ = 0;
  std::uint64_t complete_until_boot_ns_ = 0;
  Sha256 previous_sha256_{};
};

}  // namespace spoor::wire
