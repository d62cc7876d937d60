// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"

/// A batch is one entry of the evidence log: what one recording (a run of the sensor, or one
/// import) sealed at once. Byte layout: docs/formats/batch.md.
namespace spoor::wire {

using RecordingId = std::array<std::uint8_t, 16>;
using Sha256 = std::array<std::uint8_t, 32>;

enum class BatchKind : std::uint16_t {
  kRecordingOpen = 1,   ///< payload: JSON, what and how is recorded (RecordingDescription)
  kRecords = 2,         ///< payload: chunks of kernel_event.h, each chunk_header then its records
  kRecordingClose = 3,  ///< payload: JSON, why it ended and the final counts
  kImportData = 4,      ///< payload: the next bytes of the imported file, as they are
  kCollected = 5,       ///< payload: what a collector received and whether its seals were good
                        ///< (docs/formats/sealing.md); no recording's, events are never in it
  kRetention = 6,       ///< payload: JSON, which of the log's first entries a policy removed
                        ///< (retention.hpp); stored as it is, for readers without zstd
  kCarried = 7,         ///< payload: what of the removed entries the ones behind them need
  kTransferred = 8,     ///< payload: JSON, from which log batches were imported, with proofs
                        ///< (docs/formats/proof-bundle.md); no recording's either
};

/// Whether such batches make up recordings. The others are what a collector or the log says itself,
/// and hold in the log that they were written for only.
constexpr bool IsOfRecording(BatchKind kind) {
  return kind <= BatchKind::kImportData;
}

/// The log's entry bundles carry 16-bit lengths.
inline constexpr std::size_t kBatchBytesMax = 65535;
/// What a payload may decompress to; a larger claim is corrupt.
inline constexpr std::size_t kBatchPayloadBytesMax = 4 << 20;

struct Batch {
  BatchKind kind = BatchKind::kRecords;
  RecordingId recording_id{};
  std::uint64_t batch_index = 0;  ///< contiguous from 0 within the recording
  std::uint64_t boot_ns = 0;      ///< CLOCK_BOOTTIME when it was sealed …
  std::int64_t wall_ns = 0;       ///< … and CLOCK_REALTIME at the same moment
  /// Every record with a smaller boot_ns is in this batch or an earlier one.
  std::uint64_t complete_until_boot_ns = 0;
  Sha256 previous_sha256{};  ///< of the recording's previous batch as encoded; zeros for the first
  std::vector<std::byte> payload;  ///< uncompressed
};

/// Encodes and compresses (zstd). Fails: kInvalidArgument when the result would pass
/// kBatchBytesMax: split the payload and try again.
Result<std::vector<std::byte>> EncodeBatch(const Batch& batch);

/// Checks every field before use. Fails: kCorrupt, kUnsupported (a newer format version).
Result<Batch> DecodeBatch(std::span<const std::byte> bytes);
/// Whether a batch of `kind` is of an account of what the log was given: of a collector or an
/// import. Such batches follow each other as those of a recording do.
constexpr bool IsAccount(BatchKind kind) {
  return kind == BatchKind::kCollected || kind == BatchKind::kTransferred;
}

/// What kind it claims to be, unchecked and cheap: to pass over what a reader does not want.
/// Nothing when no batch begins here.
std::optional<BatchKind> PeekKind(std::span<const std::byte> bytes);
/// The same of all that its header says; the payload stays empty. For entries that were checked
/// when they were appended.
std::optional<Batch> PeekBatch(std::span<const std::byte> bytes);

Sha256 DigestOf(std::span<const std::byte> bytes);

/// Bytes, and their digest, worked out once for all that bind it: of an encoded batch, the
/// recording's next batch (previous_sha256) and the seal of its frame. Lives as long as the bytes.
struct DigestedBytes {
  explicit DigestedBytes(std::span<const std::byte> all) : bytes(all), sha256(DigestOf(all)) {}
  std::span<const std::byte> bytes;
  Sha256 sha256;
};

}  // namespace spoor::wire
