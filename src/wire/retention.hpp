// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "wire/batch.hpp"
#include "wire/batch_chain.hpp"
#include "wire/seal_frame.hpp"

/// What a log says about its own beginning, of which the entries were removed by policy. Byte
/// layout: docs/formats/evidence.md (Removed ranges).
namespace spoor::wire {

/// One removal: who took which entries away, when, and because of what.
struct Removal {
  std::uint64_t from_entry = 0, until_entry = 0;  ///< [from, until)
  std::uint64_t bundle_bytes = 0;                 ///< of the bundles removed
  std::int64_t wall_ns = 0;                       ///< when it was decided
  std::string policy;                             ///< "keep 30d"
  std::string by;                                 ///< "spoor retain as root (uid 0)"
};

/// The payload of a batch of kind kRetention (JSON).
struct Retention {
  std::uint64_t removed_until_entry = 0;  ///< a multiple of 256: entries below it may be gone
  Sha256 root{};                          ///< of the tree over these entries
  std::uint64_t carried_count = 0;        ///< entries right before this one of kind kCarried
  /// When the newest entry of the first bundle that was kept came; 0: not known.
  std::int64_t first_kept_wall_ns = 0;
  /// All so far, oldest first; the last one is this one's. At most kRemovalsMax: the oldest are put
  /// together.
  std::vector<Removal> removals;
};
inline constexpr std::size_t kRemovalsMax = 64;

std::string RetentionJson(const Retention& retention);
/// Fails: kCorrupt, kUnsupported.
Result<Retention> ParseRetention(std::string_view json);

/// A recording with batches on both sides of the cut, as it stood at the cut.
struct CarriedRecording {
  RecordingId recording_id{};
  RecordingExtent extent;
  Sha256 last_sha256{};                ///< of its last removed batch
  std::vector<std::byte> first_batch;  ///< as it was logged: its description. Empty: an account's
};

/// A sensor's chain at the cut. One that was closed is carried for ever, so that nothing of it is
/// taken again.
struct CarriedChain {
  ChainId chain_id{};
  std::string sensor;
  bool closed = false;
  std::uint64_t next_sequence = 0;
  std::int64_t last_wall_ns = 0;
  Sha256 last_sha256{};               ///< of the header of frame next_sequence - 1
  std::vector<std::byte> open_frame;  ///< empty when closed
};

/// What batches of kind kCarried hold, so that what follows the cut can be judged and read.
struct Carried {
  std::vector<CarriedRecording> recordings;
  std::vector<CarriedChain> chains;
};

/// As payloads of kCarried batches, each small enough for one entry.
std::vector<std::vector<std::byte>> EncodeCarried(const Carried& carried);
/// Adds what one payload holds. Fails: kCorrupt.
Result<> DecodeCarried(std::span<const std::byte> payload, Carried& carried);

}  // namespace spoor::wire
