// SPDX-License-Identifier: Apache-2.0
#include "sensor/recorder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <semaphore>

#include "base/time.hpp"
#include "wire/chunk.hpp"
#include "wire/record_builder.hpp"

namespace spoor::sensor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Bytes = std::vector<std::byte>;

Bytes ExitChunk(std::uint64_t first_sequence, std::uint32_t count) {
  Bytes records, chunks;
  for (std::uint32_t i = 0; i < count; ++i) {
    exit_record body{};
    body.header.kind = RECORD_EXIT;
    body.header.boot_ns = 1 + first_sequence + i;
    const Bytes record = wire::RecordBuilder(body).Build();
    records.insert(records.end(), record.begin(), record.end());
  }
  wire::AppendChunk(
      {.first_sequence = first_sequence, .cpu = 0, .size_bytes = 0, .count = count, .pad = 0},
      records, chunks);
  return chunks;
}

/// A kernel half without a kernel: what the test puts in comes out at the next Drain.
class FakeSource final : public KernelSource {
 public:
  Result<> Attach() override {
    calls.emplace_back("attach");
    coverage_.attached.emplace_back("on_sys_exit");
    return {};
  }
  Result<> AddTree(std::uint32_t, std::uint16_t) override { return {}; }
  Result<> Baseline(Bytes& chunks) override {
    calls.emplace_back("baseline");
    chunks = baseline;
    return {};
  }
  Result<std::uint64_t> Drain(Bytes& chunks) override {
    calls.emplace_back("drain");
    if (fails) return Fail(ErrorCode::kIo, "the ring broke");
    chunks.insert(chunks.end(), delivered.begin(), delivered.end());
    delivered.clear();
    return ++mark;
  }
  Result<> Detach() override {
    calls.emplace_back("detach");
    return {};
  }
  Result<Loss> ReadLoss() override { return loss; }
  const Coverage& coverage() const override { return coverage_; }

  std::vector<std::string> calls;
  Bytes baseline, delivered;
  Loss loss;
  std::uint64_t mark = 0;
  bool fails = false;

 private:
  Coverage coverage_;
};

/// What reached the sink. Written by the recorder's thread; read after Finish or a semaphore.
struct FakeLog {
  std::vector<wire::Batch> batches;
  std::vector<wire::Sha256> digests;
  std::size_t flushed_count = 0;  // batches that were durable at the last flush
  std::atomic<bool> full = false;

  BatchSink Sink() {
    return {.append = [this](const wire::DigestedBytes& encoded) -> Result<> {
              if (full) return Fail(ErrorCode::kIo, "no space left on device");
              ASSIGN_OR_RETURN(wire::Batch batch, wire::DecodeBatch(encoded.bytes));
              batches.push_back(std::move(batch));
              digests.push_back(wire::DigestOf(encoded.bytes));
              return {};
            },
            .flush = [this]() -> Result<> {
              flushed_count = batches.size();
              return {};
            }};
  }
  nlohmann::json Json(std::size_t index) const {
    return nlohmann::json::parse(AsText(batches.at(index).payload), nullptr, false);
  }
  std::vector<wire::BatchKind> Kinds() const {
    std::vector<wire::BatchKind> kinds;
    for (const wire::Batch& batch : batches) kinds.push_back(batch.kind);
    return kinds;
  }
  std::vector<loss_record> Readings() const {
    std::vector<loss_record> readings;
    for (const wire::Batch& batch : batches) {
      if (batch.kind != wire::BatchKind::kRecords) continue;
      std::span<const std::byte> rest = batch.payload;
      while (std::optional<wire::Chunk> chunk = wire::TakeChunk(rest)) {
        while (auto record = wire::TakeRecord(chunk->records)) {
          record_header header;
          std::memcpy(&header, record->data(), sizeof(header));
          if (header.kind != RECORD_LOSS) continue;
          readings.emplace_back();
          std::memcpy(&readings.back(), record->data(), sizeof(loss_record));
        }
      }
    }
    return readings;
  }
};

RecordingOptions Options(std::int64_t seal_interval_ns = 3'600'000'000'000) {
  RecordingOptions options;
  options.source.scopes = {
      {.kind = Scope::Kind::kMachine, .host = "web", .cgroup_path = {}},
      {.kind = Scope::Kind::kCgroup, .host = "db", .cgroup_path = "/sys/fs/cgroup/db"}};
  options.spoor_version = "9.9.9";
  options.profile = "honeypot";
  options.command_line = {"spoor", "record", "\xff"};
  options.seal_interval_ns = seal_interval_ns;
  return options;
}

TEST(Recorder, AttachesBeforeTheBaselineAndDetachesBeforeTheLastDrain) {
  FakeSource source;
  FakeLog log;
  Recorder recorder(source, wire::MakeRecordingId(), log.Sink(), Options());
  ASSERT_TRUE(recorder.Start());
  ASSERT_TRUE(recorder.Finish("test"));
  EXPECT_THAT(source.calls, ElementsAre("attach", "baseline", "detach", "drain"));
}

TEST(Recorder, DescribesItselfFirstAndClosesLast) {
  FakeSource source;
  source.delivered = ExitChunk(0, 2);
  FakeLog log;
  Recorder recorder(source, wire::MakeRecordingId(), log.Sink(), Options());
  ASSERT_TRUE(recorder.Start());
  ASSERT_TRUE(recorder.Finish("signal SIGTERM"));
  EXPECT_THAT(log.Kinds(),
              ElementsAre(wire::BatchKind::kRecordingOpen, wire::BatchKind::kRecords,
                          wire::BatchKind::kRecords, wire::BatchKind::kRecordingClose));
  const nlohmann::json open = log.Json(0);
  ASSERT_TRUE(open.is_object());
  EXPECT_EQ(open["spoor_version"], "9.9.9");
  EXPECT_EQ(open["profile"], "honeypot");
  EXPECT_EQ(open["boot_id"].get<std::string>().size(), 36U);
  EXPECT_EQ(open["scopes"][0]["host"], "web");
  EXPECT_EQ(open["scopes"][1]["cgroup_path"], "/sys/fs/cgroup/db");
  EXPECT_EQ(open["coverage"]["attached"][0], "on_sys_exit");
  EXPECT_EQ(open["command_line"].size(), 3U);
  const nlohmann::json close = log.Json(3);
  EXPECT_EQ(close["reason"], "signal SIGTERM");
  EXPECT_EQ(close["record_count"], 2);
  EXPECT_EQ(close["loss"]["io"], 0);
  EXPECT_EQ(log.flushed_count, 4U);
}

TEST(Recorder, ChainsTheBatchesOfOneRecording) {
  FakeSource source;
  FakeLog log;
  Recorder recorder(source, wire::MakeRecordingId(), log.Sink(), Options(0));
  ASSERT_TRUE(recorder.Start());
  for (std::uint64_t i = 0; i < 5; ++i) {
    source.delivered = ExitChunk(i, 1);
    ASSERT_TRUE(recorder.Drain());
  }
  ASSERT_TRUE(recorder.Finish("test"));
  ASSERT_GE(log.batches.size(), 8U);
  for (std::size_t i = 0; i < log.batches.size(); ++i) {
    EXPECT_EQ(log.batches[i].batch_index, i);
    EXPECT_EQ(log.batches[i].recording_id, recorder.recording_id());
    EXPECT_EQ(log.batches[i].previous_sha256, i == 0 ? wire::Sha256{} : log.digests[i - 1]);
  }
}

TEST(Recorder, SealsWhenABatchIsLargeEnough) {
  FakeSource source;
  FakeLog log;
  RecordingOptions options = Options();
  options.seal_payload_bytes = 10'000;
  Recorder recorder(source, wire::MakeRecordingId(), log.Sink(), options);
  ASSERT_TRUE(recorder.Start());
  for (std::uint64_t i = 0; i < 100; ++i) {
    source.delivered = ExitChunk(i * 10, 10);
    ASSERT_TRUE(recorder.Drain());
  }
  ASSERT_TRUE(recorder.Finish("test"));
  std::size_t full_count = 0;
  for (const wire::Batch& batch : log.batches) full_count += batch.payload.size() >= 10'000;
  EXPECT_GE(full_count, 5U);
  EXPECT_EQ(recorder.summary().record_count, 1000U);
}

TEST(Recorder, SealsWhatIsUrgentAtOnceAndNothingWhenThereIsNothing) {
  FakeSource source;
  FakeLog log;
  Recorder recorder(source, wire::MakeRecordingId(), log.Sink(), Options());
  ASSERT_TRUE(recorder.Start());
  source.delivered = ExitChunk(0, 1);
  ASSERT_TRUE(recorder.Drain());      // waits for more
  ASSERT_TRUE(recorder.Drain(true));  // takes it along
  ASSERT_TRUE(recorder.Drain(true));
  ASSERT_TRUE(recorder.Finish("test"));
  // Description, baseline, the record, the last counters, close.
  ASSERT_EQ(log.batches.size(), 5U);
  EXPECT_FALSE(log.batches[2].payload.empty());
}

TEST(BatchWriter, FlushesBatchesThatComeFastOnceAnInterval) {
  std::size_t appended_count = 0;
  std::vector<std::size_t> flushed;  // how many batches were there at each flush
  std::binary_semaphore second_flush(0);
  BatchWriter writer(wire::MakeRecordingId(),
                     {.append = [&](const wire::DigestedBytes&) -> Result<> {
                        ++appended_count;
                        return {};
                      },
                      .flush = [&]() -> Result<> {
                        flushed.push_back(appended_count);
                        if (flushed.size() == 2) second_flush.release();
                        return {};
                      }},
                     {.flush_interval_ns = 100'000'000});
  const std::uint64_t begin_boot_ns = BootNow();
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(writer.Push(wire::BatchKind::kRecords, {}, {}));
  }
  second_flush.acquire();  // without another batch, nor the end
  EXPECT_GE(BootNow() - begin_boot_ns, 100'000'000U);
  ASSERT_TRUE(writer.Finish());
  EXPECT_GE(flushed[0], 1U);
  EXPECT_EQ(flushed[1], 50U);
  EXPECT_EQ(flushed.size(), 2U);
}

TEST(Recorder, MovesTheMarkOnceMoreWhenTheHostFallsSilent) {
  FakeSource source;
  FakeLog log;
  Recorder recorder(source, wire::MakeRecordingId(), log.Sink(), Options(0));
  ASSERT_TRUE(recorder.Start());
  source.delivered = ExitChunk(0, 1);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(recorder.Drain());
  ASSERT_TRUE(recorder.Finish("test"));
  // Description, (empty) baseline, the record, one empty batch, the last counters, close.
  ASSERT_EQ(log.batches.size(), 6U);
  EXPECT_FALSE(log.batches[2].payload.empty());
  EXPECT_TRUE(log.batches[3].payload.empty());
  EXPECT_GT(log.batches[3].complete_until_boot_ns, log.batches[2].complete_until_boot_ns);
}

TEST(Recorder, SealsInPlaceOfCanariesThatLeftNoRecord) {
  FakeSource source;
  FakeLog log;
  RecordingOptions options = Options(0);
  options.canary_interval_ns = 1;
  Recorder recorder(source, wire::MakeRecordingId(), log.Sink(), options);
  ASSERT_TRUE(recorder.Start());
  // Of each two drains the second finds that an interval has passed.
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(recorder.Drain());
  ASSERT_TRUE(recorder.Finish("test"));
  EXPECT_GE(log.batches.size(), 4U + 3U);
}

TEST(Recorder, WritesCountersWhenTheyMovedAndOnceAtTheEnd) {
  FakeSource source;
  FakeLog log;
  Recorder recorder(source, wire::MakeRecordingId(), log.Sink(), Options());
  ASSERT_TRUE(recorder.Start());
  ASSERT_TRUE(recorder.Drain());
  source.loss.count[LOSS_IO] = 5;
  ASSERT_TRUE(recorder.Drain());
  ASSERT_TRUE(recorder.Drain());
  ASSERT_TRUE(recorder.Finish("test"));
  const std::vector<loss_record> readings = log.Readings();
  ASSERT_EQ(readings.size(), 2U);
  EXPECT_EQ(readings[0].count[LOSS_IO], 5U);
  EXPECT_EQ(readings[1].count[LOSS_IO], 5U);
  EXPECT_GT(readings[1].header.boot_ns, 0U);
  EXPECT_EQ(log.Json(log.batches.size() - 1)["loss"]["io"], 5);
}

TEST(Recorder, WritesTheCountersAtTheEndEvenWhenNothingWasLost) {
  FakeSource source;
  FakeLog log;
  Recorder recorder(source, wire::MakeRecordingId(), log.Sink(), Options());
  ASSERT_TRUE(recorder.Start());
  ASSERT_TRUE(recorder.Finish("test"));
  ASSERT_EQ(log.Readings().size(), 1U);
  EXPECT_EQ(log.Readings()[0].count[LOSS_PROCESS], 0U);
}

TEST(Recorder, StopsWithTheSinksErrorWhenTheDiskIsFull) {
  FakeSource source;
  FakeLog log;
  Recorder recorder(source, wire::MakeRecordingId(), log.Sink(), Options(0));
  ASSERT_TRUE(recorder.Start());
  log.full = true;
  Result<> drained;
  for (std::uint64_t i = 0; drained; ++i) {
    source.delivered = ExitChunk(i, 1);
    drained = recorder.Drain();
  }
  EXPECT_THAT(drained.error().message, HasSubstr("no space left"));
  const Result<> finished = recorder.Finish("failed");
  EXPECT_THAT(finished.error().message, HasSubstr("no space left"));
  EXPECT_EQ(source.calls.back(), "drain");
}

TEST(Recorder, ClosesTheRecordingEvenWhenTheSourceFails) {
  FakeSource source;
  FakeLog log;
  Recorder recorder(source, wire::MakeRecordingId(), log.Sink(), Options());
  ASSERT_TRUE(recorder.Start());
  source.fails = true;
  EXPECT_FALSE(recorder.Drain());
  EXPECT_THAT(recorder.Finish("failed: the ring broke").error().message, HasSubstr("ring"));
  EXPECT_EQ(log.batches.back().kind, wire::BatchKind::kRecordingClose);
  EXPECT_EQ(log.Json(log.batches.size() - 1)["reason"], "failed: the ring broke");
}

TEST(Recorder, LeavesRecordsInTheKernelWhileTheSinkIsBehind) {
  FakeSource source;
  FakeLog log;
  std::counting_semaphore<> appended(0);
  std::counting_semaphore<> go_on(0);
  BatchSink sink = log.Sink();
  sink.append = [&, append = sink.append](const wire::DigestedBytes& encoded) {
    appended.release();
    go_on.acquire();
    return append(encoded);
  };
  RecordingOptions options = Options(0);
  options.writer.queue_bytes_max = 1000;
  Recorder recorder(source, wire::MakeRecordingId(), sink, options);
  ASSERT_TRUE(recorder.Start());
  appended.acquire();  // the sink is busy from here on
  source.delivered = ExitChunk(0, 100);
  ASSERT_TRUE(recorder.Drain());
  EXPECT_TRUE(source.delivered.empty());
  source.delivered = ExitChunk(100, 1);
  ASSERT_TRUE(recorder.Drain());
  EXPECT_FALSE(source.delivered.empty());
  go_on.release(1000);
  ASSERT_TRUE(recorder.Finish("test"));
  EXPECT_EQ(recorder.summary().record_count, 101U);
}

TEST(Recorder, DropsNothingOfALargeBaseline) {
  FakeSource source;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    const Bytes chunk = ExitChunk(i * 50, 50);
    source.baseline.insert(source.baseline.end(), chunk.begin(), chunk.end());
  }
  ASSERT_GT(source.baseline.size(), wire::kBatchPayloadBytesMax);
  FakeLog log;
  Recorder recorder(source, wire::MakeRecordingId(), log.Sink(), Options());
  ASSERT_TRUE(recorder.Start());
  ASSERT_TRUE(recorder.Finish("test"));
  std::size_t payload_bytes = 0;
  for (const wire::Batch& batch : log.batches) {
    if (batch.kind == wire::BatchKind::kRecords) payload_bytes += batch.payload.size();
  }
  EXPECT_GE(payload_bytes, source.baseline.size());
  EXPECT_EQ(recorder.summary().record_count, 100'000U);
}

}  // namespace
}  // namespace spoor::sensor
