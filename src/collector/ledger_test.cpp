// SPDX-License-Identifier: Apache-2.0
#include "collector/ledger.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/chain_for_tests.hpp"

namespace spoor::collector {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using Outcome = Ledger::Outcome;

class LedgerTest : public ::testing::Test {
 protected:
  Ledger::Decision Receive(const Bytes& frame, bool after_gap = false,
                           const std::string& sensor = "web-1") {
    Ledger::Decision decision = ledger_.Receive(sensor, frame, after_gap, 1234);
    if (decision.batch) {
      const std::optional<wire::Batch> batch = wire::PeekBatch(*decision.batch);
      decision.records.back().entry_index = batch->batch_index;  // as if nothing else were logged
    }
    kept_.insert(kept_.end(), decision.records.begin(), decision.records.end());
    return decision;
  }
  void ExpectRefused(const Bytes& frame, const std::string& why,
                     const std::string& sensor = "web-1") {
    const Ledger::Decision decision = Receive(frame, false, sensor);
    EXPECT_EQ(decision.outcome, Outcome::kRefused);
    EXPECT_FALSE(decision.batch);
    ASSERT_THAT(decision.records, SizeIs(1));
    EXPECT_EQ(decision.records[0].verdict, Verdict::kRefused);
    EXPECT_THAT(decision.records[0].note, HasSubstr(why));
  }
  std::uint64_t Next() const {
    const auto position = ledger_.PositionOf(chain_.chain_id());
    return position ? position->next_sequence : 0;
  }

  keys::KeyPointer escrow_ = *keys::MakeEscrowKey();
  Ledger ledger_{escrow_.get(), ChainForTests::root()};
  ChainForTests chain_{escrow_.get()};
  std::vector<CollectedRecord> kept_;
};

TEST_F(LedgerTest, TakesAChainInOrderAndHandsOutItsBatches) {
  for (int i = 0; i < 5; ++i) chain_.AddBatch();
  EXPECT_EQ(Receive(chain_.frames[0]).outcome, Outcome::kTaken);
  for (std::size_t i = 1; i < chain_.frames.size(); ++i) {
    const Ledger::Decision decision = Receive(chain_.frames[i]);
    ASSERT_EQ(decision.outcome, Outcome::kTaken) << i;
    EXPECT_EQ(decision.batch, chain_.batches[i - 1]);
  }
  EXPECT_EQ(Receive(chain_.Seal(wire::FrameKind::kClose, AsBytes("{}"))).records[0].verdict,
            Verdict::kClosed);
  EXPECT_EQ(Next(), 7U);
}

TEST_F(LedgerTest, TakesADuplicateOnceAndAnEarlyFrameNotYet) {
  chain_.AddBatch();
  chain_.AddBatch();
  EXPECT_EQ(Receive(chain_.frames[1]).outcome, Outcome::kUnknownChain);
  Receive(chain_.frames[0]);
  EXPECT_EQ(Receive(chain_.frames[2]).outcome, Outcome::kEarly);
  EXPECT_EQ(Receive(chain_.frames[1]).outcome, Outcome::kTaken);
  EXPECT_EQ(Receive(chain_.frames[1]).outcome, Outcome::kDuplicate);
  EXPECT_EQ(Receive(chain_.frames[0]).outcome, Outcome::kDuplicate);
  EXPECT_EQ(Receive(chain_.frames[2]).outcome, Outcome::kTaken);
}

TEST_F(LedgerTest, RefusesAnOldBatchSealedAgainWithANewerKey) {
  for (int i = 0; i < 3; ++i) chain_.AddBatch();
  for (const Bytes& frame : chain_.frames) Receive(frame);
  ExpectRefused(chain_.Forge(2, chain_.batches[0]), "sealed anew or forged");
}

TEST_F(LedgerTest, RefusesANewerKeyInThePlaceOfOneNotYetDelivered) {
  for (int i = 0; i < 3; ++i) chain_.AddBatch();
  Receive(chain_.frames[0]);
  Receive(chain_.frames[1]);
  // What an intruder can do with a stolen key while the frames are still in the spool.
  ExpectRefused(chain_.Forge(2, chain_.batches[0]), "not sealed with the key of its place");
  EXPECT_EQ(Receive(chain_.frames[2]).outcome, Outcome::kTaken);
}

TEST_F(LedgerTest, RefusesAnotherSensorsChain) {
  chain_.AddBatch();
  Receive(chain_.frames[0]);
  ExpectRefused(chain_.frames[1], "the chain is web-1's", "db-1");
  ChainForTests other(escrow_.get(), "web-1");
  ExpectRefused(other.frames[0], "in the name of another sensor", "db-1");
}

TEST_F(LedgerTest, RefusesWhatFollowsTheEnd) {
  Receive(chain_.frames[0]);
  Receive(chain_.Seal(wire::FrameKind::kClose, AsBytes("{}")));
  chain_.AddBatch();
  ExpectRefused(chain_.frames[1], "closed before");
}

TEST_F(LedgerTest, RefusesBatchesThatAreNoneOrPoseAsTheCollectors) {
  Receive(chain_.frames[0]);
  ExpectRefused(chain_.Forge(1, AsBytes("noise")), "batch: 5 bytes");
  // A sensor that could say what was removed could hide what it removed.
  for (const wire::BatchKind kind :
       {wire::BatchKind::kCollected, wire::BatchKind::kRetention, wire::BatchKind::kCarried}) {
    ChainForTests liar(escrow_.get(), "web-1");
    liar.AddBatch(kind);
    Receive(liar.frames[0]);
    ExpectRefused(liar.frames[1], "poses as a collector's account");
  }
}

// A sensor that lies must not leave a log that does not verify, for all the others.
TEST_F(LedgerTest, RefusesBatchesThatDoNotFollowInTheirRecording) {
  chain_.AddBatch();
  chain_.AddBatch();
  for (const Bytes& frame : chain_.frames) Receive(frame);
  // Batches without a recording are of the liar's own.
  const auto lie = [this](const std::vector<wire::Batch>& batches) {
    ChainForTests liar(escrow_.get(), "db-1");
    Receive(liar.frames[0], false, "db-1");
    for (wire::Batch batch : batches) {
      if (batch.recording_id == wire::RecordingId{}) batch.recording_id = liar.chain_id();
      liar.AddBatch(batch);
    }
    for (std::size_t i = 1; i + 1 < liar.frames.size(); ++i) {
      EXPECT_EQ(Receive(liar.frames[i], false, "db-1").outcome, Outcome::kTaken);
    }
    return liar.frames.back();
  };
  const auto batch = [](std::uint64_t index, wire::BatchKind kind) {
    wire::Batch made;
    made.batch_index = index;
    made.kind = kind;
    return made;
  };
  const wire::Batch open = batch(0, wire::BatchKind::kRecordingOpen);
  wire::Batch of_web_1 = batch(2, wire::BatchKind::kImportData);
  of_web_1.recording_id = chain_.chain_id();
  of_web_1.previous_sha256 = wire::DigestOf(chain_.batches.back());
  wire::Batch of_nobody = open;
  of_nobody.recording_id = {8};
  ExpectRefused(lie({of_web_1}), "is not of this chain's recording", "db-1");
  ExpectRefused(lie({of_nobody}), "is not of this chain's recording", "db-1");
  ExpectRefused(lie({open, of_nobody}), "is not of this chain's recording", "db-1");
  ExpectRefused(lie({batch(0, wire::BatchKind::kImportData)}), "does not describe the recording",
                "db-1");
  ExpectRefused(lie({open, batch(1, wire::BatchKind::kImportData)}),
                "does not carry the SHA-256 of the batch before it", "db-1");
  ExpectRefused(lie({open, open}), "where batch 1 is due", "db-1");
  chain_.AddBatch();
  EXPECT_EQ(Receive(chain_.frames.back()).outcome, Outcome::kTaken);
}

TEST_F(LedgerTest, RefusesAnOpenFrameThatSaysTooMuch) {
  ChainForTests liar(escrow_.get(), std::string(20000, 'a'));
  ExpectRefused(liar.frames[0], "too great length");
}

TEST_F(LedgerTest, RecordsWhatDidNotComeAndGoesOnBehindIt) {
  for (int i = 0; i < 5; ++i) chain_.AddBatch();
  Receive(chain_.frames[0]);
  Receive(chain_.frames[1]);
  const Ledger::Decision decision = Receive(chain_.frames[4], /*after_gap=*/true);
  ASSERT_EQ(decision.outcome, Outcome::kTaken);
  ASSERT_THAT(decision.records, SizeIs(2));
  EXPECT_EQ(decision.records[0].verdict, Verdict::kMissing);
  EXPECT_EQ(decision.records[0].note, "frames 2 to 3 were not delivered here");
  EXPECT_EQ(decision.batch, chain_.batches[3]);
  ExpectRefused(chain_.frames[2], "given up as missing");
  EXPECT_EQ(Receive(chain_.frames[5]).outcome, Outcome::kTaken);
}

// At a derivation for each frame that did not come, this would take a week.
TEST_F(LedgerTest, AGapCostsTheSameHoweverWideItIsAlsoAfterReplay) {
  chain_.AddBatch();
  for (const Bytes& frame : chain_.frames) Receive(frame);
  chain_.Lose(wire::kChainFramesMax / 2);
  chain_.AddBatch();
  // Claimed with the key of another place: nothing of it is believed.
  const Bytes claim = chain_.Forge(wire::kChainFramesMax - 2, AsBytes("{}"));
  EXPECT_EQ(Receive(claim, /*after_gap=*/true).outcome, Outcome::kRefused);
  EXPECT_EQ(Next(), 2U);
  const Ledger::Decision decision = Receive(chain_.frames[2], /*after_gap=*/true);
  ASSERT_EQ(decision.outcome, Outcome::kTaken);
  EXPECT_EQ(decision.records[0].verdict, Verdict::kMissing);
  Ledger again(escrow_.get());
  for (const std::size_t i : {0U, 1U}) again.TakeUpBatch(i, chain_.batches[i]);
  for (const CollectedRecord& record : kept_) ASSERT_TRUE(again.Replay(record));
  EXPECT_EQ(again.PositionOf(chain_.chain_id())->next_sequence, 3 + wire::kChainFramesMax / 2);
  chain_.AddBatch();
  EXPECT_EQ(again.Receive("web-1", chain_.frames[3], false, 0).outcome, Outcome::kTaken);
}

TEST_F(LedgerTest, StandsWhereItStoodAfterReplayingItsRecords) {
  for (int i = 0; i < 6; ++i) chain_.AddBatch();
  for (std::size_t i = 0; i < 3; ++i) Receive(chain_.frames[i]);
  Receive(chain_.frames[5], /*after_gap=*/true);
  ExpectRefused(chain_.Forge(1, chain_.batches[0]), "sealed anew");
  Bytes payload;
  for (const CollectedRecord& record : kept_) AppendRecord(record, payload);
  const auto records = ParseRecords(payload);
  ASSERT_TRUE(records) << records.error().message;
  Ledger again(escrow_.get());
  for (const std::size_t i : {0U, 1U, 4U}) again.TakeUpBatch(i, chain_.batches[i]);
  for (const CollectedRecord& record : *records) {
    const Result<> replayed = again.Replay(record);
    ASSERT_TRUE(replayed) << replayed.error().message;
  }
  EXPECT_EQ(again.PositionOf(chain_.chain_id())->next_sequence, 6U);
  EXPECT_EQ(again.Receive("web-1", chain_.frames[2], false, 0).outcome, Outcome::kDuplicate);
  EXPECT_EQ(again.Receive("web-1", chain_.frames[3], false, 0).outcome, Outcome::kRefused);
  EXPECT_EQ(again.Receive("web-1", chain_.frames[6], false, 0).outcome, Outcome::kTaken);
  // It still knows whose recording it is.
  ChainForTests thief(escrow_.get(), "db-1");
  thief.AddBatch(*wire::PeekBatch(chain_.batches[0]));
  again.Receive("db-1", thief.frames[0], false, 0);
  EXPECT_EQ(again.Receive("db-1", thief.frames[1], false, 0).outcome, Outcome::kRefused);
}

TEST_F(LedgerTest, LeavesNoTraceOfARefusedFlip) {
  chain_.AddBatch();
  Receive(chain_.frames[0]);
  for (std::size_t i = 0; i < chain_.frames[1].size(); ++i) {
    Bytes flipped = chain_.frames[1];
    flipped[i] ^= std::byte{0x40};
    EXPECT_NE(Receive(flipped).outcome, Outcome::kTaken) << "byte " << i;
  }
  EXPECT_EQ(Next(), 1U);
  EXPECT_EQ(Receive(chain_.frames[1]).outcome, Outcome::kTaken);
}

TEST(CollectedRecord, RefusesEveryTruncation) {
  Bytes payload;
  AppendRecord({.verdict = Verdict::kAccepted,
                .entry_index = 7,
                .received_wall_ns = 8,
                .sensor = "web-1",
                .head = Bytes(120, std::byte{1}),
                .note = "note"},
               payload);
  ASSERT_TRUE(ParseRecords(payload));
  EXPECT_EQ(ParseRecords(payload)->front().note, "note");
  for (std::size_t size = 1; size < payload.size(); ++size) {
    EXPECT_FALSE(ParseRecords(std::span(payload).first(size))) << size;
  }
}

}  // namespace
}  // namespace spoor::collector
