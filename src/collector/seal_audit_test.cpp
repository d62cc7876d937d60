// SPDX-License-Identifier: Apache-2.0
// What whoever holds the log's signing key could write into an account. Logs that a collector wrote
// are in intake_test.cpp; the same attacks against the programs in
// tests/end_to_end/attack_matrix.py.
#include "collector/seal_audit.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/chain_for_tests.hpp"

namespace spoor::collector {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class SealAuditTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < 3; ++i) chain_.AddBatch();
    batches_ = chain_.batches;
    records_.push_back(Record(Verdict::kOpened, chain_.frames[0], chain_.description));
    for (std::size_t i = 1; i < chain_.frames.size(); ++i) {
      records_.push_back(Record(Verdict::kAccepted, chain_.frames[i], "", i - 1));
    }
    Tell(Verdict::kGap, wire::FrameKind::kGap, "{\"dropped_batch_count\":1}");
    Tell(Verdict::kClosed, wire::FrameKind::kClose, "{}");
  }
  void Tell(Verdict verdict, wire::FrameKind kind, const std::string& note) {
    records_.push_back(Record(verdict, chain_.Seal(kind, AsBytes(note)), note));
  }
  static CollectedRecord Record(Verdict verdict, Bytes head, std::string note,
                                std::uint64_t entry_index = kNoEntry) {
    if (verdict != Verdict::kOpened) head.resize(wire::kFrameHeaderBytes);
    return {.verdict = verdict,
            .entry_index = entry_index,
            .received_wall_ns = 1,
            .sensor = "web-1",
            .head = std::move(head),
            .note = std::move(note)};
  }
  /// The log: all batches, then the account of them.
  Result<SealAudit::Report> Audit(bool with_escrow = false) const {
    SealAudit audit(with_escrow ? escrow_.get() : nullptr, authority_);
    for (std::size_t i = 0; i < batches_.size(); ++i) RETURN_IF_ERROR(audit.Add(i, batches_[i]));
    wire::Batch account;
    account.kind = wire::BatchKind::kCollected;
    account.recording_id = {0xCC};
    for (const CollectedRecord& record : records_) AppendRecord(record, account.payload);
    RETURN_IF_ERROR(audit.Add(batches_.size(), *wire::EncodeBatch(account)));
    RETURN_IF_ERROR(audit.Finish());
    return audit.report();
  }
  void ExpectUnverified(const std::string& what, bool with_escrow = false) const {
    const auto report = Audit(with_escrow);
    ASSERT_FALSE(report) << "not noticed; expected: " << what;
    EXPECT_EQ(report.error().code, ErrorCode::kUnverified);
    EXPECT_THAT(report.error().message, StartsWith("entry "));
    EXPECT_THAT(report.error().message, HasSubstr(what));
  }

  keys::KeyPointer escrow_ = *keys::MakeEscrowKey();
  X509* authority_ = nullptr;
  ChainForTests chain_{escrow_.get()};
  std::vector<Bytes> batches_;
  std::vector<CollectedRecord> records_;  ///< opened, three accepted, gap, closed
};

TEST_F(SealAuditTest, CountsWhatAnHonestCollectorWrote) {
  const auto report = Audit(/*with_escrow=*/true);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->sealed_count, 3U);
  EXPECT_EQ(report->mac_count, 3U);
  EXPECT_EQ(report->gap_count, 1U);
  EXPECT_EQ(report->closed_chain_count, 1U);
  EXPECT_EQ(report->unsealed_count, 0U);
}

TEST_F(SealAuditTest, NamesABatchPutInBehindTheSealedOnes) {
  chain_.AddBatch();
  batches_.push_back(chain_.batches.back());
  ExpectUnverified("entry 3: batch 3 of recording " + wire::FormatChainId(chain_.chain_id()));
}

TEST_F(SealAuditTest, CountsARecordingWithoutAnySeal) {
  wire::Batch import;
  import.recording_id = {0xEE};
  import.kind = wire::BatchKind::kRecordingOpen;
  batches_.push_back(*wire::EncodeBatch(import));
  ASSERT_TRUE(Audit());
  EXPECT_EQ(Audit()->unsealed_count, 1U);
}

TEST_F(SealAuditTest, TellsWhichSensorsSayThatTheyRecordAHost) {
  ChainForTests other(escrow_.get(), "db-1");
  wire::Batch open;
  open.kind = wire::BatchKind::kRecordingOpen;
  open.recording_id = other.chain_id();
  const auto text = AsBytes(R"({"host":"a","scopes":[{"host":"b"},{"host":7},"c"]})");
  open.payload.assign(text.begin(), text.end());
  other.AddBatch(open);
  batches_.push_back(other.batches[0]);
  records_.push_back(Record(Verdict::kOpened, other.frames[0], other.description));
  records_.push_back(Record(Verdict::kAccepted, other.frames[1], "", 3));
  records_[6].sensor = records_[7].sensor = "db-1";
  const auto report = Audit();
  ASSERT_TRUE(report) << report.error().message;
  const std::set<std::string> db_1{"db-1"};
  EXPECT_EQ(report->hosts,
            (std::map<std::string, std::set<std::string>>{{"a", db_1}, {"b", db_1}}));
}

TEST_F(SealAuditTest, NamesAChainUnderAnotherSensorsName) {
  for (CollectedRecord& record : records_) record.sensor = "db-1";
  ExpectUnverified("of db-1: the chain was opened in the name of another sensor");
  std::string& note = records_[0].note;
  note.replace(note.find("\"sensor\":\"web-1\"") + 10, 5, "db-1");
  ExpectUnverified("no certificate of the sensor db-1");
}

TEST_F(SealAuditTest, NamesAStatementThatWasSignedForAnotherChain) {
  const ChainForTests other(escrow_.get(), "web-1");
  records_[0].note = other.description;
  ExpectUnverified("is not signed by web-1");
}

TEST_F(SealAuditTest, NamesACertificateOfAnotherAuthority) {
  const keys::KeyPointer key = *keys::MakeSigningKey();
  const keys::CertificatePointer other = *keys::MakeRoot(key.get(), 1);
  authority_ = other.get();
  ExpectUnverified("of web-1 was not issued by this authority");
  authority_ = ChainForTests::root();
  EXPECT_TRUE(Audit());
}

TEST_F(SealAuditTest, NamesABatchThatIsPassedOffAsAGap) {
  records_[3].verdict = Verdict::kGap;
  records_[3].note = std::string(AsText(batches_[2]));
  records_[3].entry_index = kNoEntry;
  batches_.pop_back();
  ExpectUnverified("frame 3 is not of the kind");
}

TEST_F(SealAuditTest, NamesAnEntryClaimedTwiceAndAFrameThatComesAgain) {
  records_[2].entry_index = 0;
  ExpectUnverified("frame 2 is said to be entry 0");
  records_[2] = records_[1];
  ExpectUnverified("frame 1 comes again");
}

TEST_F(SealAuditTest, NamesWhatFollowsTheEnd) {
  Tell(Verdict::kGap, wire::FrameKind::kGap, "{}");
  ExpectUnverified("frame 6 follows the chain's end");
}

TEST_F(SealAuditTest, NamesAGapThatNobodyCouldWaitFor) {
  records_.erase(records_.begin() + 2, records_.end());
  Bytes far = chain_.Forge(~std::uint64_t{0}, AsBytes("{}"));
  records_.push_back(Record(Verdict::kMissing, far, ""));
  ExpectUnverified("would leave a gap");
}

TEST_F(SealAuditTest, NamesAnAccountThatCannotBeRead) {
  records_[1].verdict = static_cast<Verdict>(9);
  ExpectUnverified("record 1: unknown verdict");
}

TEST_F(SealAuditTest, NamesAChainOfWhichTheOpeningIsNone) {
  records_[0].head = chain_.frames[1];
  ExpectUnverified("frame 1 does not open a chain");
}

}  // namespace
}  // namespace spoor::collector
