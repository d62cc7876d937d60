// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "ingest/record_decoder.hpp"
#include "wire/chunk.hpp"
#include "wire/record_builder.hpp"

/// Recordings built by hand, for the tests of what reads them.
namespace spoor::ingest {

inline constexpr std::int64_t kTestWallMinusBootNs = 1'000'000'000'000;

/// A header whose identity fields can be told apart in an event.
inline record_header TestHeader(std::uint16_t kind, std::uint64_t boot_ns,
                                std::uint16_t syscall_nr = SYSCALL_NR_NONE,
                                std::int64_t result = 0) {
  record_header header{};
  header.boot_ns = boot_ns;
  header.process_start_boot_ns = 50;
  header.result = result;
  header.pid = 100;
  header.tid = 101;
  header.uid = 1000;
  header.euid = 1001;
  header.kind = kind;
  header.syscall_nr = syscall_nr;
  return header;
}

/// The batches of one recording, chained; feeds them to a decoder of its own.
class TestRecording {
 public:
  using Bytes = std::vector<std::byte>;

  explicit TestRecording(
      std::string_view description =
          R"({"boot_id":"b00t","profile":"honeypot","scopes":[{"host":"web"}]})") {
    Add(wire::BatchKind::kRecordingOpen, AsBytes(description), 10, 0);
  }

  /// A chunk of `records`, to be handed to AddRecords.
  static Bytes Chunk(std::uint32_t cpu, std::uint64_t first_sequence,
                     const std::vector<Bytes>& records) {
    Bytes together, chunks;
    for (const Bytes& record : records) {
      together.insert(together.end(), record.begin(), record.end());
    }
    wire::AppendChunk({.first_sequence = first_sequence,
                       .cpu = cpu,
                       .size_bytes = 0,
                       .count = static_cast<__u32>(records.size()),
                       .pad = 0},
                      together, chunks);
    return chunks;
  }

  void AddRecords(const Bytes& chunks, std::uint64_t complete_until_boot_ns,
                  std::uint64_t boot_ns = 1'000'000) {
    Add(wire::BatchKind::kRecords, chunks, boot_ns, complete_until_boot_ns);
  }
  void AddClose() { Add(wire::BatchKind::kRecordingClose, AsBytes("{}"), 2'000'000, 2'000'000); }

  void Add(wire::BatchKind kind, std::span<const std::byte> payload, std::uint64_t boot_ns,
           std::uint64_t complete_until_boot_ns) {
    wire::Batch batch{.kind = kind,
                      .recording_id = {1},
                      .batch_index = batches.size(),
                      .boot_ns = boot_ns,
                      .wall_ns = kTestWallMinusBootNs + static_cast<std::int64_t>(boot_ns),
                      .complete_until_boot_ns = complete_until_boot_ns,
                      .previous_sha256 = last_sha256_,
                      .payload = {payload.begin(), payload.end()}};
    last_sha256_ = wire::DigestOf(*wire::EncodeBatch(batch));
    batches.push_back(std::move(batch));
  }

  /// Feeds batch `index` as entry 1000 + index of the log.
  Result<> Feed(std::size_t index, RecordDecoder& decoder,
                std::vector<event::Event>& events) const {
    const wire::Batch& batch = batches[index];
    return decoder.Feed(batch,
                        {.entry_index = 1000 + static_cast<std::int64_t>(index),
                         .sha256 = wire::DigestOf(*wire::EncodeBatch(batch))},
                        events);
  }

  /// All of it through a new decoder.
  std::vector<event::Event> Decode() const {
    RecordDecoder decoder;
    std::vector<event::Event> events;
    for (std::size_t i = 0; i < batches.size(); ++i) {
      SPOOR_CHECK(Feed(i, decoder, events)) << "batch " << i;
    }
    decoder.Finish(events);
    return events;
  }

  std::vector<wire::Batch> batches;

 private:
  wire::Sha256 last_sha256_{};
};

}  // namespace spoor::ingest
