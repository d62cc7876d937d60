// SPDX-License-Identifier: Apache-2.0
#include "collector/intake.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/scratch_folder.hpp"
#include "collector/chain_for_tests.hpp"
#include "collector/seal_audit.hpp"

namespace spoor::collector {
namespace {

using ::testing::HasSubstr;

std::string TextOf(std::initializer_list<Bytes> frames) {
  std::string text;
  for (const Bytes& frame : frames) text += AsText(frame);
  return text;
}

class IntakeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(keys::WritePrivateKey(folder_ / "escrow.key", escrow_.get()));
  }

  std::unique_ptr<Intake> Open(std::uint64_t sensor_bytes_per_day = 0) const {
    auto intake = Intake::Open({.store = StoreLayout{folder_ / "store"},
                                .escrow_private = *keys::LoadPrivateKey(folder_ / "escrow.key"),
                                .sensor_bytes_per_day = sensor_bytes_per_day});
    EXPECT_TRUE(intake) << intake.error().message;
    return std::move(*intake);
  }
  /// All entries, through `change` first.
  Result<SealAudit::Report> Audit(const std::function<void(std::uint64_t, Bytes&)>& change) const {
    const StoreLayout store{folder_ / "store"};
    const auto reader =
        evidence::LogReader::Open(store.evidence(), *ReadTextFile(store.public_key(), 4096));
    SealAudit audit(escrow_.get());
    RETURN_IF_ERROR((*reader)->ForEach(
        0, [&](std::uint64_t index, std::span<const std::byte> entry) -> Result<> {
          Bytes bytes(entry.begin(), entry.end());
          change(index, bytes);
          return bytes.empty() ? Result<>{} : audit.Add(index, bytes);
        }));
    RETURN_IF_ERROR(audit.Finish());
    return audit.report();
  }

  const ScratchFolder scratch_;
  const std::filesystem::path folder_ = scratch_.path();
  keys::KeyPointer escrow_ = *keys::MakeEscrowKey();
};

TEST_F(IntakeTest, KeepsItsPlaceOverARestart) {
  ChainForTests chain(escrow_.get());
  for (int i = 0; i < 3; ++i) chain.AddBatch();
  {
    const auto intake = Open();
    const Reply reply =
        intake->Submit("web-1", {.sequence = 0}, TextOf({chain.frames[0], chain.frames[1]}));
    EXPECT_EQ(reply.status, 200) << reply.error;
    EXPECT_EQ(reply.next_sequence, 2U);
  }
  const auto intake = Open();
  EXPECT_EQ(intake->PositionOf("web-1", chain.chain_id()).next_sequence, 2U);
  EXPECT_EQ(intake->PositionOf("db-1", chain.chain_id()).status, 404);
  const Reply reply = intake->Submit("web-1", {.sequence = 1},
                                     TextOf({chain.frames[1], chain.frames[2], chain.frames[3]}));
  EXPECT_EQ(reply.status, 200) << reply.error;
  EXPECT_EQ(reply.next_sequence, 4U);
  EXPECT_EQ(intake->counts().frames_duplicate, 1U);
}

TEST_F(IntakeTest, ASensorOverItsQuotaComesLaterAlsoAfterARestart) {
  ChainForTests chain(escrow_.get()), other(escrow_.get(), "db-1");
  for (int i = 0; i < 10; ++i) chain.AddBatch();
  std::string all;
  for (const Bytes& frame : chain.frames) all += AsText(frame);
  const std::uint64_t quota = all.size() / 2;
  std::uint64_t taken = 0;
  for (int runs = 0; runs < 2; ++runs) {
    const auto intake = Open(quota);
    const Reply reply = intake->Submit("web-1", {.sequence = 0}, all);
    EXPECT_EQ(reply.status, 429);
    EXPECT_THAT(reply.error, HasSubstr("over the quota"));
    EXPECT_GT(reply.retry_after_seconds, 0);
    ASSERT_TRUE(reply.next_sequence);
    if (runs == 0) taken = *reply.next_sequence;
    EXPECT_EQ(reply.next_sequence, taken) << "a restart gives it nothing";
    EXPECT_EQ(intake->counts().over_quota, std::set<std::string>{"web-1"});
    // What was taken costs nothing, and another sensor has its own.
    EXPECT_EQ(intake->Submit("web-1", {.sequence = 0}, TextOf({chain.frames[0]})).status, 200);
    EXPECT_EQ(intake->Submit("db-1", {.sequence = 0}, TextOf({other.frames[0]})).status, 200);
    EXPECT_EQ(intake->counts().over_quota.size(), 0U);
  }
  EXPECT_GT(taken, 1U);
  EXPECT_LT(taken, chain.frames.size());
  const auto intake = Open();
  const Reply reply = intake->Submit("web-1", {.sequence = 0}, all);
  EXPECT_EQ(reply.status, 200) << reply.error;
  EXPECT_EQ(reply.next_sequence, chain.frames.size());
}

TEST_F(IntakeTest, SaysHowFarItGotWhenAFrameInTheMiddleIsBad) {
  ChainForTests chain(escrow_.get());
  for (int i = 0; i < 3; ++i) chain.AddBatch();
  chain.frames[2].back() ^= std::byte{1};
  const auto intake = Open();
  const Reply reply =
      intake->Submit("web-1", {.sequence = 0},
                     TextOf({chain.frames[0], chain.frames[1], chain.frames[2], chain.frames[3]}));
  EXPECT_EQ(reply.status, 422);
  EXPECT_EQ(reply.next_sequence, 2U);
}

TEST_F(IntakeTest, AnswersPipelinedSubmissionsWithWhatIsDurableNeverWithMore) {
  ChainForTests chain(escrow_.get());
  for (int i = 0; i < 50; ++i) chain.AddBatch();
  const auto intake = Open();
  const Reply first =
      intake->Submit("web-1", {.sequence = 0, .pipelined = true}, TextOf({chain.frames[0]}));
  EXPECT_EQ(first.status, 202);
  EXPECT_FALSE(first.next_sequence) << "nothing of the chain is known to be durable yet";
  std::uint64_t durable = 0;
  for (std::uint64_t i = 1; i < 50; ++i) {
    const Reply reply =
        intake->Submit("web-1", {.sequence = i, .pipelined = true}, TextOf({chain.frames[i]}));
    EXPECT_LT(reply.status, 300) << reply.error;
    EXPECT_GE(reply.next_sequence.value_or(0), durable);
    durable = reply.next_sequence.value_or(durable);
    EXPECT_LE(durable, intake->PositionOf("web-1", chain.chain_id()).next_sequence.value_or(0));
  }
  // The last one, asked for plainly, is behind all of them.
  EXPECT_EQ(intake->Submit("web-1", {.sequence = 50}, TextOf({chain.frames[50]})).next_sequence,
            51U);
  // A bad one comes out at the next, or at the latest in the plain answer after it.
  const Bytes forged = chain.Forge(51, Bytes(10));
  intake->Submit("web-1", {.sequence = 51, .pipelined = true}, TextOf({forged}));
  const Reply after = intake->Submit("web-1", {.sequence = 52}, TextOf({chain.Forge(52, {})}));
  EXPECT_EQ(after.status, 409);
  EXPECT_EQ(after.next_sequence, 51U);
}

TEST_F(IntakeTest, RefusesBodiesThatAreNotASequenceOfFrames) {
  ChainForTests chain(escrow_.get());
  chain.AddBatch();
  const auto intake = Open();
  EXPECT_EQ(intake->Submit("web-1", {.sequence = 0}, "").status, 400);
  EXPECT_EQ(intake->Submit("web-1", {.sequence = 5}, TextOf({chain.frames[0]})).status, 400);
  EXPECT_EQ(
      intake->Submit("web-1", {.sequence = 1}, TextOf({chain.frames[1], chain.frames[0]})).status,
      400);
  EXPECT_EQ(intake->Submit("web-1", {.sequence = 0}, TextOf({chain.frames[0]}) + "x").status, 400);
  EXPECT_EQ(intake->counts().log_size, 0U);
}

TEST_F(IntakeTest, TellsSensorsToComeLaterWhenTooMuchWaits) {
  ChainForTests chain(escrow_.get());
  auto intake = Intake::Open({.store = StoreLayout{folder_ / "store"},
                              .escrow_private = *keys::LoadPrivateKey(folder_ / "escrow.key"),
                              .queue_bytes_max = 10});
  const Reply reply = (*intake)->Submit("web-1", {.sequence = 0}, TextOf({chain.frames[0]}));
  EXPECT_EQ(reply.status, 503);
  EXPECT_GT(reply.retry_after_seconds, 0);
}

// One small body that unpacks to 156 MiB: others have their turn in between.
TEST_F(IntakeTest, DoesAtMostSoMuchForOneSensorUnderOneCheckpoint) {
  ChainForTests chain(escrow_.get());
  chain.AddBatch();
  while (chain.batches.size() < 40) {
    wire::Batch batch;
    batch.kind = wire::BatchKind::kImportData;
    batch.recording_id = chain.chain_id();
    batch.batch_index = chain.batches.size();
    batch.previous_sha256 = wire::DigestOf(chain.batches.back());
    batch.payload.assign(wire::kBatchPayloadBytesMax, std::byte{0});
    chain.AddBatch(batch);
  }
  std::string all;
  for (const Bytes& frame : chain.frames) all += AsText(frame);
  const auto intake = Open();
  const Reply reply = intake->Submit("web-1", {.sequence = 0}, all);
  EXPECT_EQ(reply.status, 200) << reply.error;
  EXPECT_EQ(reply.next_sequence, chain.frames.size());
  EXPECT_EQ(intake->counts().checkpoints, 3U);
}

TEST_F(IntakeTest, SharesCheckpointsBetweenManySensorsAndProvesAll) {
  constexpr int kSensors = 16;
  constexpr std::uint64_t kBatches = 20;
  Intake::Counts counts;
  {
    const auto intake = Open();
    std::vector<std::jthread> sensors;
    sensors.reserve(kSensors);
    for (int i = 0; i < kSensors; ++i) {
      sensors.emplace_back([&, i] {
        const std::string name = fmt::format("web-{}", i);
        ChainForTests chain(escrow_.get(), name);
        for (std::uint64_t j = 0; j < kBatches; ++j) chain.AddBatch();
        for (std::uint64_t j = 0; j < chain.frames.size(); ++j) {
          const Reply reply = intake->Submit(name, {.sequence = j}, TextOf({chain.frames[j]}));
          EXPECT_EQ(reply.status, 200) << reply.error;
          EXPECT_EQ(reply.next_sequence, j + 1);
        }
      });
    }
    sensors.clear();
    counts = intake->counts();
  }
  EXPECT_EQ(counts.frames_taken, kSensors * (kBatches + 1));
  EXPECT_LT(counts.checkpoints, counts.frames_taken);
  const auto report = Audit([](std::uint64_t, Bytes&) {});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->chain_count, static_cast<std::uint64_t>(kSensors));
  EXPECT_EQ(report->mac_count, kSensors * kBatches);
  EXPECT_EQ(report->unsealed_count, 0U);
}

TEST_F(IntakeTest, AuditNamesABatchThatIsNotWhatWasSealed) {
  ChainForTests chain(escrow_.get());
  for (int i = 0; i < 3; ++i) chain.AddBatch();
  Open()->Submit("web-1", {.sequence = 0},
                 TextOf({chain.frames[0], chain.frames[1], chain.frames[2], chain.frames[3]}));
  // Whoever holds the log's signing key can sign another history, but not make the sensor's seals.
  const auto changed = Audit([&](std::uint64_t index, Bytes& entry) {
    if (index == 1) entry.back() ^= std::byte{1};
  });
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code, ErrorCode::kUnverified);
  EXPECT_THAT(changed.error().message, HasSubstr("seal on frame 2"));
  const auto removed = Audit([](std::uint64_t index, Bytes& entry) {
    if (index == 1) entry.clear();
  });
  ASSERT_FALSE(removed);
  EXPECT_THAT(removed.error().message, HasSubstr("is said to be entry 1"));
}

}  // namespace
}  // namespace spoor::collector
