// SPDX-License-Identifier: Apache-2.0
// RecordDecoder on any payloads: the input is a row of parts, each a byte that chooses the batch's
// kind and a length (16 bits, little-endian) before so many bytes of payload. The first batch is a
// description of our own, so that records are reached.
#include <cstdint>
#include <cstring>

#include "base/check.hpp"
#include "base/file.hpp"
#include "ingest/record_decoder.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace spoor;
  std::span<const std::byte> rest = std::as_bytes(std::span(data, size));
  ingest::RecordDecoder decoder({.held_bytes_max = 1 << 16});
  std::vector<event::Event> events;
  wire::Batch batch;
  batch.kind = wire::BatchKind::kRecordingOpen;
  const auto description = AsBytes(R"({"boot_id":"b","scopes":[{"host":"a"},{"host":"b"}]})");
  batch.payload.assign(description.begin(), description.end());
  SPOOR_CHECK(decoder.Feed(batch, {}, events));
  while (rest.size() >= 3) {
    const auto choice = static_cast<unsigned>(rest[0]);
    const std::size_t length = std::min<std::size_t>(
        static_cast<std::size_t>(rest[1]) | static_cast<std::size_t>(rest[2]) << 8,
        rest.size() - 3);
    batch.kind = static_cast<wire::BatchKind>(1 + choice % 4);
    batch.batch_index += 1 + (choice >> 7);
    batch.boot_ns += 1'000'000;
    if ((choice & 0x40) != 0) batch.boot_ns = INT64_MAX;
    batch.complete_until_boot_ns = batch.boot_ns - (choice & 0x20) * 1000;
    batch.payload.assign(rest.begin() + 3, rest.begin() + 3 + static_cast<std::ptrdiff_t>(length));
    rest = rest.subspan(3 + length);
    static_cast<void>(decoder.Feed(batch, {}, events));
  }
  decoder.Finish(events);
  return 0;
}
