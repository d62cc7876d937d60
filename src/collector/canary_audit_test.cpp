// SPDX-License-Identifier: Apache-2.0
#include "collector/canary_audit.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/chain_for_tests.hpp"
#include "wire/chunk.hpp"
#include "wire/record_builder.hpp"

namespace spoor::collector {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr std::uint64_t kIntervalNs = kSecondNs;
constexpr std::int64_t kWallMinusBootNs = 1'000'000;

template <typename Record>
Record At(std::uint16_t kind, std::uint64_t boot_ns) {
  Record body{};
  body.header.kind = kind;
  body.header.boot_ns = boot_ns;
  body.header.result = -ENOENT;
  return body;
}

Bytes Open(std::string_view path, std::uint64_t boot_ns) {
  return wire::RecordBuilder(At<open_record>(RECORD_OPEN, boot_ns))
      .Tail(&open_record::user_path, path)
      .Build();
}
Bytes Connect(std::string_view path, std::uint64_t boot_ns) {
  // As the sensor says it: the whole of sun_path.
  return wire::RecordBuilder(At<socket_record>(RECORD_SOCKET, boot_ns))
      .Tail(&socket_record::unix_path, std::string(path) + std::string(20, '\0'))
      .Build();
}
Bytes Exec(std::string_view path, std::uint64_t boot_ns) {
  return wire::RecordBuilder(At<exec_record>(RECORD_EXEC, boot_ns))
      .Tail(&exec_record::user_path, path)
      .Build();
}

/// A sensor's chain, its log and what the audit says of it.
class CanaryAuditTest : public testing::Test {
 protected:
  CanaryAuditTest() {
    Tell(Verdict::kOpened, chain_.frames[0]);
    wire::CanarySchedule schedule(wire::UnlockOpenFrame(chain_.frames[0], escrow_.get())->first_key,
                                  0, kIntervalNs);
    for (; canaries_.size() < 20; schedule.Advance()) canaries_.push_back(schedule.next());
  }
  std::string PathOf(std::size_t number) const {
    return std::string(wire::kCanaryFolder) + canaries_[number].token;
  }
  std::vector<Bytes> RecordsOf(std::size_t number, std::uint64_t delay_ns = 1000) const {
    const std::uint64_t at_ns = canaries_[number].due_boot_ns + delay_ns;
    const std::string path = PathOf(number);
    return {Open(path, at_ns), Connect(path, at_ns), Exec(path, at_ns)};
  }
  static wire::Batch BatchOf(wire::BatchKind kind, std::uint64_t boot_ns) {
    wire::Batch batch;
    batch.kind = kind;
    batch.boot_ns = batch.complete_until_boot_ns = boot_ns;
    batch.wall_ns = static_cast<std::int64_t>(boot_ns) + kWallMinusBootNs;
    return batch;
  }
  void Tell(Verdict verdict, Bytes head, std::uint64_t entry = kNoEntry) {
    if (verdict != Verdict::kOpened) head.resize(wire::kFrameHeaderBytes);
    pending_.push_back({.verdict = verdict,
                        .entry_index = entry,
                        .received_wall_ns = 1,
                        .sensor = "web-1",
                        .head = std::move(head),
                        .note = ""});
  }
  /// The batch as an entry, and the account of it as the next one.
  void Ship(wire::Batch batch) {
    batch.recording_id = chain_.chain_id();
    const Bytes frame = chain_.Seal(wire::FrameKind::kBatch, *wire::EncodeBatch(batch));
    audit_.Add(entry_, batch);
    Tell(Verdict::kAccepted, frame, entry_++);
    Account();
  }
  void Account() {
    wire::Batch account;
    account.kind = wire::BatchKind::kCollected;
    for (const CollectedRecord& record : pending_) AppendRecord(record, account.payload);
    pending_.clear();
    audit_.Add(entry_++, account);
  }
  void Describe(
      std::string_view json =
          R"({"policy":{"canary_interval_ms":1000},"scopes":[{"host":"a"},{"host":"b"}]})") {
    wire::Batch batch = BatchOf(wire::BatchKind::kRecordingOpen, 1);
    batch.payload = {AsBytes(json).begin(), AsBytes(json).end()};
    Ship(batch);
  }
  static wire::Batch Records(const std::vector<std::vector<Bytes>>& canaries, std::uint64_t boot_ns,
                             std::uint32_t cpu = 0) {
    wire::Batch batch = BatchOf(wire::BatchKind::kRecords, boot_ns);
    for (const std::vector<Bytes>& records : canaries) {
      for (const Bytes& record : records) {
        wire::AppendChunk({.first_sequence = 0, .cpu = cpu, .size_bytes = 0, .count = 1, .pad = 0},
                          record, batch.payload);
      }
    }
    return batch;
  }
  std::uint64_t AfterGraceOf(std::size_t number) const {
    return canaries_[number].due_boot_ns + CanaryAudit::kGraceNs;
  }
  std::vector<std::string> Found() { return std::exchange(found_said_, {}); }

  keys::KeyPointer escrow_ = *keys::MakeEscrowKey();
  ChainForTests chain_{escrow_.get()};
  std::vector<wire::Canary> canaries_;
  std::vector<std::string> found_said_;
  CanaryAudit audit_{escrow_.get(), [this](const CanaryFinding& found) {
                       constexpr std::array kNames{"recorded", "late", "missed"};
                       found_said_.push_back(fmt::format(
                           "{} {} on {}", found.number,
                           kNames[static_cast<std::size_t>(found.outcome)], found.host));
                     }};
  std::uint64_t entry_ = 0;
  std::vector<CollectedRecord> pending_;
};

TEST_F(CanaryAuditTest, CountsTheOnesThatAreRecorded) {
  Describe();
  Ship(Records({RecordsOf(0)}, canaries_[0].due_boot_ns + 2000));
  Ship(Records({RecordsOf(1), RecordsOf(2)}, AfterGraceOf(2)));
  EXPECT_EQ(audit_.report().chain_count, 1);
  EXPECT_EQ(audit_.report().due_count(), 3);
  EXPECT_EQ(audit_.report().recorded_count, 3);
  EXPECT_FALSE(audit_.report().has_loss());
  EXPECT_THAT(Found(), ElementsAre("0 recorded on a", "1 recorded on b", "2 recorded on a"));
}

TEST_F(CanaryAuditTest, NamesTheCallsThatAreNotInTheRecordWhenItIsCompleteSoFar) {
  Describe();
  const std::string path = PathOf(0);
  Ship(Records({{Connect(path, 2)}}, AfterGraceOf(0) - 1));
  EXPECT_FALSE(audit_.report().has_loss());
  Ship(Records({}, AfterGraceOf(0)));
  ASSERT_EQ(audit_.report().missed.size(), 1);
  const CanaryFinding& missed = audit_.report().missed.begin()->second;
  EXPECT_EQ(missed.sensor, "web-1");
  EXPECT_EQ(missed.chain, wire::FormatChainId(chain_.chain_id()));
  EXPECT_EQ(missed.due_wall_ns,
            static_cast<std::int64_t>(canaries_[0].due_boot_ns) + kWallMinusBootNs);
  EXPECT_THAT(CanaryCallNames(missed.missing), ElementsAre("open", "exec"));
  EXPECT_TRUE(audit_.report().has_loss());
}

TEST_F(CanaryAuditTest, TakesWhatComesAfterThatForLate) {
  Describe();
  Ship(Records({}, AfterGraceOf(0)));
  Ship(Records({RecordsOf(0, CanaryAudit::kGraceNs + 5)}, AfterGraceOf(0) + 10));
  EXPECT_THAT(Found(), ElementsAre("0 missed on a", "0 late on a"));
  EXPECT_EQ(audit_.report().late_count, 1);
  EXPECT_EQ(audit_.report().missed_count, 0);
  EXPECT_THAT(audit_.report().missed, IsEmpty());
  // … also where one batch has both: the sensor was held up.
  Ship(Records({RecordsOf(1, CanaryAudit::kGraceNs + 5)}, AfterGraceOf(1) + 10));
  EXPECT_EQ(audit_.report().late_count, 2);
  // … and whatever time its records say, once it was missed.
  Ship(Records({}, AfterGraceOf(2)));
  Ship(Records({RecordsOf(2)}, AfterGraceOf(2)));
  EXPECT_EQ(audit_.report().late_count, 3);
  EXPECT_FALSE(audit_.report().has_loss());
}

TEST_F(CanaryAuditTest, BelievesTheKernelHalfOnly) {
  Describe();
  Ship(Records({RecordsOf(0)}, AfterGraceOf(0), wire::kUserSpaceCpu));
  EXPECT_THAT(Found(), ElementsAre("0 missed on a"));
}

TEST_F(CanaryAuditTest, BelievesOnlyWhatTheCollectorAcceptedOfTheSameChain) {
  Describe();
  wire::Batch others = Records({RecordsOf(0)}, canaries_[0].due_boot_ns + 2000);
  others.recording_id = {9};
  audit_.Add(entry_, others);
  Tell(Verdict::kAccepted, chain_.Seal(wire::FrameKind::kBatch, *wire::EncodeBatch(others)),
       entry_++);
  Account();
  others.recording_id = chain_.chain_id();
  audit_.Add(entry_++, others);  // no record of the account names it
  Ship(Records({}, AfterGraceOf(0)));
  EXPECT_EQ(audit_.report().missed_count, 1);
}

TEST_F(CanaryAuditTest, AsksBeforeTheEndOnlyForThoseThatWereDueASecondBefore) {
  Describe();
  wire::Batch close = BatchOf(wire::BatchKind::kRecordingClose,
                              canaries_[3].due_boot_ns + CanaryAudit::kEndGraceNs - 1);
  Ship(Records({RecordsOf(0), RecordsOf(2)}, canaries_[2].due_boot_ns + 2000));
  Ship(close);
  Ship(Records({}, AfterGraceOf(10)));
  EXPECT_THAT(Found(), ElementsAre("0 recorded on a", "2 recorded on a", "1 missed on b"));
}

TEST_F(CanaryAuditTest, AsksForNoneWhereTheSensorMakesNone) {
  Describe(R"({"policy":{"canary_interval_ms":0}})");
  Ship(Records({}, AfterGraceOf(9)));
  EXPECT_EQ(audit_.report().chain_count, 0);
  EXPECT_EQ(audit_.report().due_count(), 0);
}

TEST_F(CanaryAuditTest, BeginsBehindTheCutWhereTheBeginningWasRemoved) {
  wire::Carried carried;
  wire::Batch description = BatchOf(wire::BatchKind::kRecordingOpen, 1);
  const auto json = AsBytes(R"({"policy":{"canary_interval_ms":1000}})");
  description.payload = {json.begin(), json.end()};
  carried.chains.push_back({.chain_id = chain_.chain_id(),
                            .sensor = "web-1",
                            .closed = false,
                            .next_sequence = 2,
                            .last_wall_ns = 1,
                            .last_sha256 = {},
                            .open_frame = chain_.frames[0]});
  carried.recordings.push_back({.recording_id = chain_.chain_id(),
                                .extent = {.batch_count = 1},
                                .last_sha256 = {},
                                .first_batch = *wire::EncodeBatch(description)});
  CanaryAudit cut(escrow_.get());
  cut.Continue(carried);
  for (const std::uint64_t boot_ns : {canaries_[2].due_boot_ns, AfterGraceOf(3)}) {
    wire::Batch batch = Records({}, boot_ns);
    batch.recording_id = chain_.chain_id();
    cut.Add(entry_, batch);
    wire::Batch account;
    account.kind = wire::BatchKind::kCollected;
    Bytes head = chain_.Seal(wire::FrameKind::kBatch, *wire::EncodeBatch(batch));
    Tell(Verdict::kAccepted, head, entry_++);
    AppendRecord(pending_.back(), account.payload);
    pending_.clear();
    cut.Add(entry_++, account);
  }
  ASSERT_GE(cut.report().missed.size(), 2);
  EXPECT_EQ(cut.report().missed.begin()->second.number, 2);
}

TEST_F(CanaryAuditTest, EndsWhereABatchSaysThatNoClockCanBeSoFarAhead) {
  Describe();
  Ship(Records({RecordsOf(0)}, ~std::uint64_t{0}));
  Ship(Records({RecordsOf(1)}, ~std::uint64_t{0}));
  EXPECT_EQ(audit_.report().left_chain_count, 1);
  EXPECT_LE(audit_.report().missed.size(), CanaryAudit::kMissedMax);
  EXPECT_TRUE(audit_.report().has_loss());
}

TEST_F(CanaryAuditTest, ReadsRecordsWhoseLengthsLie) {
  Describe();
  for (std::size_t i = 0; i < sizeof(open_record) + 64; ++i) {
    std::vector<Bytes> records = RecordsOf(0);
    records[0][i % records[0].size()] = std::byte{0xFF};
    records[1].resize(i % records[1].size() / 8 * 8);
    Ship(Records({records}, canaries_[0].due_boot_ns + i));
  }
  EXPECT_EQ(audit_.report().due_count(), 0);
  Ship(Records({RecordsOf(0)}, canaries_[0].due_boot_ns + kSecondNs));
  EXPECT_EQ(audit_.report().due_count(), 1);
  EXPECT_FALSE(audit_.report().has_loss());
}

TEST_F(CanaryAuditTest, LooksForNothingWithoutTheEscrowKey) {
  CanaryAudit blind(nullptr);
  blind.Add(0, Records({RecordsOf(0)}, 5));
  EXPECT_FALSE(blind.checks());
  EXPECT_EQ(blind.report().due_count(), 0);
}

}  // namespace
}  // namespace spoor::collector
