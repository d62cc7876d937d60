// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace spoor::collector {

/// What came of a frame, or of a stretch of them.
enum class Verdict : std::uint8_t {
  kOpened = 1,    ///< a chain begins; `head` is the whole open frame
  kAccepted = 2,  ///< a batch, sealed with the key of its place; it is entry `entry_index`
  kGap = 3,       ///< the sensor says that it dropped batches; `note` is its JSON
  kClosed = 4,    ///< the chain ends; `note` is the sensor's JSON
  kMissing = 5,   ///< frames before `head`'s sequence never came here; `note` says which
  kRefused = 6,   ///< not what the sensor sealed, or not its to send; `note` says why
};
std::string_view VerdictName(Verdict verdict);

inline constexpr std::uint64_t kNoEntry = ~std::uint64_t{0};

/// More entries than a collector puts under one checkpoint: older ones that no record named, no
/// sensor shipped.
inline constexpr std::size_t kUnaccountedMax = 1 << 16;

/// One line of the collector's account, kept in the evidence log in batches of kind kCollected.
/// Byte layout: docs/formats/sealing.md.
struct CollectedRecord {
  Verdict verdict = Verdict::kRefused;
  std::uint64_t entry_index = kNoEntry;  ///< in the log; kAccepted only
  std::int64_t received_wall_ns = 0;     ///< the collector's clock
  std::string sensor;                    ///< name in the certificate it came under
  std::vector<std::byte> head;           ///< the frame's header as received
  std::string note;
};

void AppendRecord(const CollectedRecord& record, std::vector<std::byte>& payload);
/// Fails: kCorrupt.
Result<std::vector<CollectedRecord>> ParseRecords(std::span<const std::byte> payload);

}  // namespace spoor::collector
