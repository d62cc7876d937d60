// SPDX-License-Identifier: Apache-2.0
// Goals (one core): 500,000 appended and 1,000,000 verified entries a second, proofs below 3 KB.
#include <benchmark/benchmark.h>
#include <chrono>
#include <filesystem>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/scratch_folder.hpp"
#include "evidence/checkpoint.hpp"
#include "evidence/tree.hpp"
#include "evidence/verify.hpp"

namespace spoor::evidence {
namespace {

namespace fs = std::filesystem;

class BenchStore {
 public:
  fs::path folder() const { return scratch_.path() / "evidence"; }
  std::unique_ptr<LogWriter> OpenWriter() const {
    auto writer = LogWriter::Open({.folder = folder(),
                                   .key_file = scratch_.path() / "key/log.pem",
                                   .origin = "bench.example/log"});
    SPOOR_CHECK(writer.has_value()) << writer.error().message;
    return std::move(*writer);
  }
  std::string verifier_key() const { return *ReadTextFile(scratch_.path() / "key/log.vkey", 4096); }

 private:
  ScratchFolder scratch_;
};

/// Appends 4096 entries an iteration, with a checkpoint (fsync included) every 100 ms.
void Append(benchmark::State& state) {
  const BenchStore store;
  const auto writer = store.OpenWriter();
  const std::vector<std::byte> entry(static_cast<std::size_t>(state.range(0)), std::byte{7});
  auto last_checkpoint = std::chrono::steady_clock::now();
  std::int64_t checkpoint_count = 0;
  for (auto _ : state) {
    for (int i = 0; i < 4096; ++i) SPOOR_CHECK(writer->Append(entry).has_value()) << "append";
    const auto now = std::chrono::steady_clock::now();
    if (now - last_checkpoint < std::chrono::milliseconds(100)) continue;
    SPOOR_CHECK(writer->Checkpoint().has_value()) << "checkpoint";
    last_checkpoint = std::chrono::steady_clock::now();
    ++checkpoint_count;
  }
  SPOOR_CHECK(writer->Close().has_value()) << "close";
  state.SetItemsProcessed(static_cast<std::int64_t>(writer->size()));
  state.SetBytesProcessed(static_cast<std::int64_t>(writer->size()) * state.range(0));
  state.counters["checkpoints"] = static_cast<double>(checkpoint_count);
}
BENCHMARK(Append)->Arg(64)->Arg(1024)->MinTime(2)->UseRealTime();

void Verify(benchmark::State& state) {
  constexpr std::int64_t kEntries = 1 << 18;
  const BenchStore store;
  const auto writer = store.OpenWriter();
  const std::vector<std::byte> entry(static_cast<std::size_t>(state.range(0)), std::byte{7});
  for (std::int64_t i = 0; i < kEntries; ++i) SPOOR_CHECK(writer->Append(entry).has_value());
  SPOOR_CHECK(writer->Close().has_value()) << "close";
  for (auto _ : state) {
    const auto report = VerifyLog({.folder = store.folder(),
                                   .public_key = store.verifier_key(),
                                   .progress = {},
                                   .visit = {}});
    SPOOR_CHECK(report.has_value()) << report.error().message;
  }
  state.SetItemsProcessed(state.iterations() * kEntries);
  state.SetBytesProcessed(state.iterations() * kEntries * state.range(0));
}
BENCHMARK(Verify)->Arg(64)->Arg(1024);

void ProveInclusionFromTiles(benchmark::State& state) {
  constexpr std::uint64_t kEntries = 1 << 18;
  const BenchStore store;
  const auto writer = store.OpenWriter();
  const std::array<std::byte, 8> entry{};
  for (std::uint64_t i = 0; i < kEntries; ++i) SPOOR_CHECK(writer->Append(entry).has_value());
  SPOOR_CHECK(writer->Close().has_value()) << "close";
  const auto reader = LogReader::Open(store.folder(), store.verifier_key());
  std::uint64_t index = 0;
  std::size_t proof_bytes = 0;
  for (auto _ : state) {
    index = (index + 7919ULL * 256) % kEntries;
    const auto proof = ProveInclusion(index, kEntries, [&](unsigned level, std::uint64_t i) {
      return (*reader)->Node(level, i);
    });
    proof_bytes = proof->size() * sizeof(Hash);
  }
  state.counters["proof_bytes"] = static_cast<double>(proof_bytes);
}
BENCHMARK(ProveInclusionFromTiles);

}  // namespace
}  // namespace spoor::evidence
