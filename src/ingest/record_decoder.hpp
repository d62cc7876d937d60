// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/archive.hpp"
#include "base/result.hpp"
#include "event/event.hpp"
#include "wire/batch.hpp"

namespace spoor::ingest {

/// What the first batch of a recording says about it.
struct RecordingDescription {
  std::vector<std::string> hosts;  ///< by record_header.scope
  std::string boot_id;
  std::string profile;
  std::string json;  ///< the whole description as it was written
};

/// Where a batch was found.
struct BatchOrigin {
  std::int64_t entry_index = -1;  ///< in the evidence log
  wire::Sha256 sha256{};          ///< wire::DigestOf the entry
};

/// Turns the batches of one recording, fed in order, into events in the order of time, across CPUs:
/// an event is handed over once the watermark says that nothing earlier can follow, so some come
/// out of a later Feed, and the rest out of Finish. What is wrong with the input (a malformed
/// record, a missing batch, a broken chain) becomes a kLoss event and the rest goes on.
/// Memory is bounded by held_bytes_max. Not thread-safe.
class RecordDecoder {
 public:
  struct Options {
    /// Records held back for their turn; above it they are let go early, with a kLoss event.
    std::size_t held_bytes_max = 64 << 20;
  };
  RecordDecoder();
  explicit RecordDecoder(const Options& options);
  ~RecordDecoder();
  RecordDecoder(RecordDecoder&&) noexcept;
  RecordDecoder& operator=(RecordDecoder&&) noexcept;

  /// Appends the events that are due to `events`. Fails: kCorrupt when the recording does not begin
  /// with a readable description (without it no event has a host), kInvalidArgument for a batch of
  /// another recording or of an import; nothing is appended then.
  Result<> Feed(const wire::Batch& batch, const BatchOrigin& origin,
                std::vector<event::Event>& events);
  /// Appends what is still held, as no more batches will come (for now: Feed may follow).
  void Finish(std::vector<event::Event>& events);

  bool opened() const;  ///< the description was read
  /// The recording came to its own end. False after the last batch: it was cut off, and what
  /// happened after it is not known.
  bool closed() const;
  const RecordingDescription& description() const;
  std::uint64_t record_count() const;     ///< well-formed records read
  std::uint64_t malformed_count() const;  ///< records and chunks that could not be read
  /// Everything that happened before it and was recorded has been handed over.
  std::uint64_t complete_until_boot_ns() const;

  /// Its state between two Feeds: a new decoder that loads what one saved goes on as that one
  /// would.
  void Save(ArchiveWriter& archive);
  void Load(ArchiveReader& archive);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace spoor::ingest
