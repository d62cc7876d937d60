// SPDX-License-Identifier: Apache-2.0
// What sealing costs the recorded host. Goal: 10 ns per event.
#include <benchmark/benchmark.h>

#include "wire/batch_sealer.hpp"
#include "wire/made_up_events.hpp"
#include "wire/seal_frame.hpp"

namespace spoor::wire {
namespace {

constexpr std::uint64_t kIntervalNs = 20'000;

std::vector<std::byte> Events(std::int64_t count) {
  std::vector<std::byte> chunks;
  MadeUpEvents(1).Append(static_cast<std::uint32_t>(count), 3'600'000'000'000, kIntervalNs, chunks);
  return chunks;
}

void PerEvent(benchmark::State& state, std::size_t sealed_bytes) {
  state.counters["time_per_event"] =
      benchmark::Counter(static_cast<double>(state.iterations() * state.range(0)),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["sealed_bytes_per_event"] =
      static_cast<double>(sealed_bytes) / static_cast<double>(state.range(0));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(sealed_bytes));
}

/// One batch's frame: MAC, encryption, the next key, the header's digest. The digest of the batch
/// is EncodeABatch's, which needs it anyway. Bytes are the batch's.
void SealAFrame(benchmark::State& state) {
  std::vector<std::byte> encoded;
  BatchSealer sealer(MakeRecordingId(), [&](const DigestedBytes& batch) -> Result<> {
    encoded.assign(batch.bytes.begin(), batch.bytes.end());
    return {};
  });
  SPOOR_CHECK(sealer.Seal(BatchKind::kRecords, Events(state.range(0)), {})) << "one batch";
  SPOOR_CHECK(sealer.batch_count() == 1) << "does not fit into one batch";
  ChainKeys keys(FrameKey::Random());
  FrameHeader header{};
  const DigestedBytes batch(encoded);
  for (auto _ : state) {
    benchmark::DoNotOptimize(SealFrame(keys.key(), header, batch));
    SPOOR_CHECK(keys.AdvanceTo(header.sequence + 1)) << "the next key";
    header.previous_sha256 = DigestOf(header);
    ++header.sequence;
  }
  PerEvent(state, encoded.size());
}
BENCHMARK(SealAFrame)->Arg(20)->Arg(200)->Arg(1400);

/// What comes before it: compression, checksum and digest of the batch. Bytes are the batch's.
void EncodeABatch(benchmark::State& state) {
  const std::vector<std::byte> events = Events(state.range(0));
  std::size_t encoded_bytes = 0;
  BatchSealer sealer(MakeRecordingId(), [&](const DigestedBytes& batch) -> Result<> {
    encoded_bytes = batch.bytes.size();
    return {};
  });
  for (auto _ : state) {
    SPOOR_CHECK(sealer.Seal(BatchKind::kRecords, events, {})) << "one batch";
  }
  PerEvent(state, encoded_bytes);
}
BENCHMARK(EncodeABatch)->Arg(20)->Arg(200)->Arg(1400);

/// What the collector does with it: decrypts, checks the MAC, looks into the batch.
void OpenAFrame(benchmark::State& state) {
  std::vector<std::byte> frame;
  const FrameKey key = FrameKey::Random();
  BatchSealer sealer(MakeRecordingId(), [&](const DigestedBytes& batch) -> Result<> {
    FrameHeader header{};
    frame = SealFrame(key, header, batch);
    return {};
  });
  SPOOR_CHECK(sealer.Seal(BatchKind::kRecords, Events(state.range(0)), {})) << "one batch";
  for (auto _ : state) {
    const auto content = UnsealFrame(key, frame);
    SPOOR_CHECK(content && DecodeBatch(content->bytes)) << "seal";
  }
  PerEvent(state, frame.size());
}
BENCHMARK(OpenAFrame)->Arg(20)->Arg(200)->Arg(1400);

}  // namespace
}  // namespace spoor::wire
