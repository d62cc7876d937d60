// SPDX-License-Identifier: Apache-2.0
#include "collector/watch.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.hpp"
#include "wire/chunk.hpp"
#include "wire/record_builder.hpp"

namespace spoor::collector {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::int64_t kSecondNs = 1'000'000'000;

/// What a collector that hears of web-1 (and db-1) writes, and what Watch says of it.
class WatchTest : public testing::Test {
 protected:
  void Receive(Verdict verdict, std::int64_t received_s, std::string note = {},
               std::uint8_t chain = 1, std::uint64_t entry_index = kNoEntry) {
    wire::FrameHeader header;
    header.chain_id = {chain};
    header.frame_bytes = wire::kFrameHeaderBytes + wire::kFrameTagBytes;
    wire::Batch account;
    account.kind = wire::BatchKind::kCollected;
    AppendRecord({.verdict = verdict,
                  .entry_index = entry_index,
                  .received_wall_ns = received_s * kSecondNs,
                  .sensor = chain < 10 ? "web-1" : "db-1",
                  .head = wire::EncodeFrameHeader(header),
                  .note = std::move(note)},
                 account.payload);
    watch_.Add(entry_++, account);
  }
  void ReceiveLoss(std::uint64_t lost_count, std::int64_t received_s) {
    loss_record body{};
    body.header.kind = RECORD_LOSS;
    body.count[LOSS_IO] = lost_count;
    body.count[LOSS_PAYLOAD] = 10 * lost_count;  // shed by policy: no loss
    wire::Batch batch;
    wire::AppendChunk(
        {.first_sequence = 0, .cpu = wire::kUserSpaceCpu, .size_bytes = 0, .count = 1, .pad = 0},
        wire::RecordBuilder(body).Build(), batch.payload);
    watch_.Add(entry_++, batch);
    Receive(Verdict::kAccepted, received_s, {}, 1, entry_ - 1);
  }
  std::vector<std::string> At(std::int64_t now_s) {
    std::vector<std::string> said;
    for (const Alarm& alarm : watch_.Alarms(now_s * kSecondNs)) {
      EXPECT_EQ(alarm.wall_ns, now_s * kSecondNs);
      said.push_back(
          fmt::format("{}{} {} {} {}", alarm.over ? "over: " : "", alarm.sensor,
                      AlarmKindName(alarm.kind), alarm.since_wall_ns / kSecondNs,
                      alarm.reason + (alarm.count == 0 ? "" : std::to_string(alarm.count))));
    }
    return said;
  }

  Watch watch_{{.silence_ns = 10 * kSecondNs, .ignored = {"old-1"}}};
  std::uint64_t entry_ = 0;
};

TEST_F(WatchTest, SaysOnceThatASensorIsSilentAndOnceThatItIsBack) {
  Receive(Verdict::kOpened, 100, R"({"host":"web"})");
  EXPECT_THAT(At(110), IsEmpty());
  EXPECT_FALSE(watch_.has_present_alarm());
  EXPECT_THAT(At(111), ElementsAre("web-1 silent 100 "));
  EXPECT_THAT(At(130), IsEmpty());
  EXPECT_TRUE(watch_.has_present_alarm());
  Receive(Verdict::kGap, 131);
  EXPECT_THAT(At(132), ElementsAre("over: web-1 silent 100 "));
  EXPECT_FALSE(watch_.has_present_alarm());
}

TEST_F(WatchTest, TakesARefusalForNoSignOfLife) {
  Receive(Verdict::kOpened, 100);
  Receive(Verdict::kRefused, 109, "noise");
  EXPECT_THAT(At(115), ElementsAre("web-1 silent 100 "));
}

TEST_F(WatchTest, SaysThatARecordingEndedWhereNoOtherBegins) {
  Receive(Verdict::kOpened, 100);
  Receive(Verdict::kClosed, 101, R"({"reason":"signal SIGTERM"})");
  EXPECT_THAT(At(110), IsEmpty());
  EXPECT_THAT(At(112), ElementsAre("web-1 ended 101 signal SIGTERM"));
  Receive(Verdict::kOpened, 120, {}, 2);
  EXPECT_THAT(At(121), ElementsAre("over: web-1 ended 120 signal SIGTERM"));
  // One that is started again at once is no alarm, nor the end of the older chain behind it.
  Receive(Verdict::kClosed, 122, "{}", 2);
  Receive(Verdict::kOpened, 123, {}, 3);
  Receive(Verdict::kClosed, 124, "{}", 2);
  EXPECT_THAT(At(134), IsEmpty());
  EXPECT_THAT(At(135), ElementsAre("web-1 silent 124 "));
}

TEST_F(WatchTest, KeepsSensorsApartAndIgnoresThoseOutOfService) {
  Receive(Verdict::kOpened, 100);
  Receive(Verdict::kOpened, 105, {}, 11);
  EXPECT_THAT(At(112), ElementsAre("web-1 silent 100 "));
  EXPECT_THAT(At(116), ElementsAre("db-1 silent 105 "));
  Watch ignoring({.silence_ns = kSecondNs, .ignored = {"web-1"}});
  wire::Carried carried;
  carried.chains.push_back(
      {.chain_id = {1}, .sensor = "web-1", .last_sha256 = {}, .open_frame = {}});
  carried.chains.push_back(
      {.chain_id = {11}, .sensor = "db-1", .last_sha256 = {}, .open_frame = {}});
  carried.chains.push_back(
      {.chain_id = {12}, .sensor = "db-2", .closed = true, .last_sha256 = {}, .open_frame = {}});
  ignoring.Continue(carried);
  const std::vector<Alarm> alarms = ignoring.Alarms(5 * kSecondNs);
  ASSERT_EQ(alarms.size(), 1);
  EXPECT_EQ(alarms[0].sensor, "db-1");
}

TEST_F(WatchTest, WatchesAChainOfPacketsBesideThatOfItsHost) {
  Receive(Verdict::kOpened, 100, R"({"host":"web"})");
  Receive(Verdict::kOpened, 101, R"({"host":"web","interface":"eth0"})", 2);
  // Packets that come are no sign of life of the other.
  Receive(Verdict::kAccepted, 109, {}, 2);
  EXPECT_THAT(At(111), ElementsAre("web-1 silent 100 "));
  ReceiveLoss(3, 112);
  EXPECT_THAT(At(113), ElementsAre("over: web-1 silent 100 ", "web-1 records_lost 112 3"));
  EXPECT_THAT(At(125), ElementsAre("web-1 silent 112 ", "web-1 packets eth0 silent 109 "));
}

TEST_F(WatchTest, SaysHowManyRecordsWereLostAtMostOnceAMinute) {
  Receive(Verdict::kOpened, 95);
  ReceiveLoss(3, 96);
  EXPECT_THAT(At(100), IsEmpty());  // what was before the first look is history
  ReceiveLoss(5, 101);
  EXPECT_THAT(At(102), ElementsAre("web-1 records_lost 101 2"));
  for (std::int64_t second = 105; second < 160; second += 5) {
    ReceiveLoss(static_cast<std::uint64_t>(second), second);
    EXPECT_THAT(At(second), IsEmpty());
  }
  ReceiveLoss(200, 162);
  EXPECT_THAT(At(162), ElementsAre("web-1 records_lost 162 195"));
}

}  // namespace
}  // namespace spoor::collector
