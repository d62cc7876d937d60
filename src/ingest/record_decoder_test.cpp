// SPDX-License-Identifier: Apache-2.0
#include "ingest/record_decoder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ingest/recording_for_tests.hpp"

namespace spoor::ingest {
namespace {

using event::Event;
using event::EventKind;
using testing::ElementsAre;
using testing::HasSubstr;
using Bytes = TestRecording::Bytes;

Bytes ExitAt(std::uint64_t boot_ns, std::uint32_t exit_code = 0) {
  exit_record body{};
  body.header = TestHeader(RECORD_EXIT, boot_ns);
  body.exit_code = exit_code;
  return wire::RecordBuilder(body).Build();
}

Bytes LossAt(std::uint64_t boot_ns, std::uint64_t io_count, std::uint64_t process_count = 0) {
  loss_record body{};
  body.header.boot_ns = boot_ns;
  body.header.kind = RECORD_LOSS;
  body.count[LOSS_IO] = io_count;
  body.count[LOSS_PROCESS] = process_count;
  return wire::RecordBuilder(body).Build();
}

Bytes Join(const std::vector<Bytes>& parts) {
  Bytes together;
  for (const Bytes& part : parts) together.insert(together.end(), part.begin(), part.end());
  return together;
}

std::vector<std::uint64_t> TimesOf(const std::vector<Event>& events) {
  std::vector<std::uint64_t> times;
  times.reserve(events.size());
  for (const Event& event : events) times.push_back(event.end_boot_ns);
  return times;
}

TEST(RecordDecoder, RestoresTheOrderOfTimeAcrossCpus) {
  TestRecording recording;
  recording.AddRecords(Join({TestRecording::Chunk(1, 0, {ExitAt(200), ExitAt(400)}),
                             TestRecording::Chunk(0, 0, {ExitAt(100), ExitAt(300)})}),
                       1000);
  EXPECT_THAT(TimesOf(recording.Decode()), ElementsAre(100, 200, 300, 400));
}

TEST(RecordDecoder, HoldsWhatTheMarkDoesNotCoverForTheNextBatch) {
  TestRecording recording;
  recording.AddRecords(TestRecording::Chunk(0, 0, {ExitAt(100), ExitAt(500)}), 300);
  recording.AddRecords(TestRecording::Chunk(1, 0, {ExitAt(400), ExitAt(600)}), 600);
  RecordDecoder decoder;
  std::vector<Event> events;
  ASSERT_TRUE(recording.Feed(0, decoder, events));
  ASSERT_TRUE(recording.Feed(1, decoder, events));
  EXPECT_THAT(TimesOf(events), ElementsAre(100));
  EXPECT_EQ(decoder.complete_until_boot_ns(), 300U);
  ASSERT_TRUE(recording.Feed(2, decoder, events));
  EXPECT_THAT(TimesOf(events), ElementsAre(100, 400, 500));
  decoder.Finish(events);
  EXPECT_THAT(TimesOf(events), ElementsAre(100, 400, 500, 600));
  // A held event still says where it is in the log.
  EXPECT_EQ(events[2].entry_index, 1001);
  EXPECT_EQ(events[1].entry_index, 1002);
}

TEST(RecordDecoder, KeepsTheSequenceOfACpuWhereTimesAreEqual) {
  TestRecording recording;
  recording.AddRecords(Join({TestRecording::Chunk(0, 2, {ExitAt(100, 2)}),
                             TestRecording::Chunk(0, 0, {ExitAt(100, 0), ExitAt(100, 1)})}),
                       1000);
  std::vector<std::uint32_t> codes;
  for (const Event& event : recording.Decode()) {
    if (event.kind == EventKind::kExit) codes.push_back(*event.exit_code);
  }
  EXPECT_THAT(codes, ElementsAre(0, 1, 2));
}

TEST(RecordDecoder, MapsBootTimeToTheWallClockOfTheBatch) {
  TestRecording recording;
  recording.AddRecords(TestRecording::Chunk(0, 0, {ExitAt(100)}), 1000);
  const std::vector<Event> events = recording.Decode();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].wall_ns, kTestWallMinusBootNs + 100);
  EXPECT_EQ(events[0].boot_id, "b00t");
  EXPECT_EQ(events[0].host, "web");
}

TEST(RecordDecoder, KnowsWhetherTheRecordingWasClosed) {
  TestRecording recording;
  RecordDecoder decoder;
  std::vector<Event> events;
  EXPECT_FALSE(decoder.opened());
  ASSERT_TRUE(recording.Feed(0, decoder, events));
  EXPECT_TRUE(decoder.opened());
  EXPECT_EQ(decoder.description().profile, "honeypot");
  EXPECT_FALSE(decoder.closed());
  recording.AddClose();
  ASSERT_TRUE(recording.Feed(1, decoder, events));
  EXPECT_TRUE(decoder.closed());
}

TEST(RecordDecoder, TurnsMovedCountersIntoLossSinceTheReadingBefore) {
  TestRecording recording;
  recording.AddRecords(Join({TestRecording::Chunk(wire::kUserSpaceCpu, 0, {LossAt(100, 0)}),
                             TestRecording::Chunk(wire::kUserSpaceCpu, 1, {LossAt(200, 5)}),
                             TestRecording::Chunk(wire::kUserSpaceCpu, 2, {LossAt(300, 7, 1)})}),
                       1000);
  const std::vector<Event> events = recording.Decode();
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].kind, EventKind::kLoss);
  EXPECT_EQ(events[0].loss->loss_class, "io");
  EXPECT_EQ(events[0].loss->count, 5U);
  EXPECT_EQ(events[0].loss->from_boot_ns, 100U);
  EXPECT_EQ(events[0].end_boot_ns, 200U);
  EXPECT_EQ(events[1].loss->loss_class, "process");
  EXPECT_EQ(events[1].loss->count, 1U);
  EXPECT_EQ(events[2].loss->loss_class, "io");
  EXPECT_EQ(events[2].loss->count, 2U);
  EXPECT_EQ(events[2].loss->from_boot_ns, 200U);
}

TEST(RecordDecoder, SaysLossOfEveryHostBecauseCountersAreTheMachines) {
  TestRecording recording(R"({"scopes":[{"host":"web"},{"host":"db"},{"host":"web"}]})");
  recording.AddRecords(TestRecording::Chunk(wire::kUserSpaceCpu, 0, {LossAt(200, 5)}), 1000);
  std::vector<std::string> hosts;
  for (const Event& event : recording.Decode()) hosts.push_back(event.host);
  EXPECT_THAT(hosts, testing::UnorderedElementsAre("web", "db"));
}

TEST(RecordDecoder, ReportsAJumpInASequenceThatNoCounterExplains) {
  TestRecording recording;
  recording.AddRecords(
      Join({TestRecording::Chunk(0, 0, {ExitAt(100)}), TestRecording::Chunk(0, 4, {ExitAt(500)})}),
      1000);
  const std::vector<Event> events = recording.Decode();
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[2].loss->loss_class, "sequence");
  EXPECT_EQ(events[2].loss->count, 3U);
  EXPECT_EQ(events[2].loss->from_boot_ns, 100U);
  EXPECT_EQ(events[2].end_boot_ns, 500U);
}

TEST(RecordDecoder, CountsOnceWhatBothTheSequenceAndTheCountersMiss) {
  TestRecording recording;
  recording.AddRecords(
      Join({TestRecording::Chunk(0, 0, {ExitAt(100)}), TestRecording::Chunk(0, 4, {ExitAt(500)}),
            TestRecording::Chunk(wire::kUserSpaceCpu, 0, {LossAt(600, 3)})}),
      1000);
  const std::vector<Event> events = recording.Decode();
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[2].loss->loss_class, "io");
  EXPECT_EQ(events[2].loss->count, 3U);
}

TEST(RecordDecoder, ReportsMissingBatchesAndGoesOn) {
  TestRecording recording;
  recording.AddRecords(TestRecording::Chunk(0, 0, {ExitAt(100)}), 1000);
  recording.AddRecords(TestRecording::Chunk(0, 1, {ExitAt(200)}), 1000);
  recording.AddRecords(TestRecording::Chunk(0, 2, {ExitAt(300)}), 1000);
  RecordDecoder decoder;
  std::vector<Event> events;
  ASSERT_TRUE(recording.Feed(0, decoder, events));
  ASSERT_TRUE(recording.Feed(3, decoder, events));
  decoder.Finish(events);
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].end_boot_ns, 300U);
  EXPECT_EQ(events[1].loss->loss_class, "sequence");
  EXPECT_EQ(events[2].loss->loss_class, "batch");
  EXPECT_EQ(events[2].loss->count, 2U);
  EXPECT_EQ(events[2].loss->reason, "batches 1 to 2 are missing");
}

TEST(RecordDecoder, ReportsABatchThatDoesNotFollowTheOneBefore) {
  TestRecording recording;
  recording.AddRecords(TestRecording::Chunk(0, 0, {ExitAt(100)}), 1000);
  recording.batches[1].previous_sha256[0] ^= 1;
  const std::vector<Event> events = recording.Decode();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].kind, EventKind::kExit);
  EXPECT_EQ(events[1].loss->loss_class, "batch");
  EXPECT_THAT(events[1].loss->reason, HasSubstr("does not follow"));
}

TEST(RecordDecoder, LeavesOutABatchThatWasThereBefore) {
  TestRecording recording;
  recording.AddRecords(TestRecording::Chunk(0, 0, {ExitAt(100)}), 1000);
  RecordDecoder decoder;
  std::vector<Event> events;
  ASSERT_TRUE(recording.Feed(0, decoder, events));
  ASSERT_TRUE(recording.Feed(1, decoder, events));
  ASSERT_TRUE(recording.Feed(1, decoder, events));
  decoder.Finish(events);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].kind, EventKind::kExit);
  EXPECT_EQ(events[1].loss->loss_class, "batch");
}

TEST(RecordDecoder, RefusesARecordingWithoutItsDescription) {
  TestRecording recording;
  recording.AddRecords(TestRecording::Chunk(0, 0, {ExitAt(100)}), 1000);
  RecordDecoder decoder;
  std::vector<Event> events;
  EXPECT_EQ(recording.Feed(1, decoder, events).error().code, ErrorCode::kCorrupt);
  for (const char* description :
       {"", "[]", "{}", R"({"scopes":[]})", R"({"scopes":[{"host":7}]})", R"({"scopes":[3]})",
        R"({"scopes":[{"host":""}]})", "{\"scopes\":[{\"host\":\"\xff\"}]}"}) {
    RecordDecoder other;
    EXPECT_EQ(TestRecording(description).Feed(0, other, events).error().code, ErrorCode::kCorrupt)
        << description;
  }
  EXPECT_TRUE(events.empty());
}

TEST(RecordDecoder, RefusesBatchesOfAnotherRecordingAndOfImports) {
  TestRecording recording;
  recording.AddClose();
  RecordDecoder decoder;
  std::vector<Event> events;
  ASSERT_TRUE(recording.Feed(0, decoder, events));
  wire::Batch other = recording.batches[1];
  other.recording_id[0] ^= 1;
  EXPECT_EQ(decoder.Feed(other, {}, events).error().code, ErrorCode::kInvalidArgument);
  other = recording.batches[1];
  other.kind = wire::BatchKind::kImportData;
  EXPECT_EQ(decoder.Feed(other, {}, events).error().code, ErrorCode::kInvalidArgument);
}

TEST(RecordDecoder, GoesOnBehindAMalformedRecord) {
  Bytes unknown_kind = ExitAt(200);
  unknown_kind[offsetof(record_header, kind)] = std::byte{99};
  Bytes unknown_scope = ExitAt(210);
  unknown_scope[offsetof(record_header, scope)] = std::byte{1};
  TestRecording recording;
  recording.AddRecords(
      TestRecording::Chunk(0, 0, {ExitAt(100), unknown_kind, unknown_scope, ExitAt(300)}), 1000);
  recording.AddClose();
  RecordDecoder decoder;
  std::vector<Event> events;
  for (std::size_t i = 0; i < recording.batches.size(); ++i) {
    ASSERT_TRUE(recording.Feed(i, decoder, events));
  }
  decoder.Finish(events);
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].end_boot_ns, 100U);
  EXPECT_EQ(events[1].end_boot_ns, 300U);
  EXPECT_EQ(events[2].loss->loss_class, "malformed");
  EXPECT_EQ(events[2].loss->count, 2U);
  EXPECT_THAT(events[2].loss->reason, HasSubstr("kind is not known"));
  EXPECT_EQ(decoder.malformed_count(), 2U);
  EXPECT_EQ(decoder.record_count(), 2U);
}

TEST(RecordDecoder, CountsTheRecordsOfAChunkThatCannotBeReadFurther) {
  Bytes endless = ExitAt(200);
  endless[offsetof(record_header, size_bytes)] = std::byte{7};
  TestRecording recording;
  recording.AddRecords(Join({TestRecording::Chunk(0, 0, {ExitAt(100), endless, ExitAt(300)}),
                             TestRecording::Chunk(1, 0, {ExitAt(400)})}),
                       1000);
  const std::vector<Event> events = recording.Decode();
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[1].end_boot_ns, 400U);
  EXPECT_EQ(events[2].loss->loss_class, "malformed");
  EXPECT_EQ(events[2].loss->count, 2U);
}

TEST(RecordDecoder, DoesNotBelieveARecordFromAfterItsBatchWasSealed) {
  TestRecording recording;
  recording.AddRecords(TestRecording::Chunk(0, 0, {ExitAt(100), ExitAt(1'000'001)}), 1000);
  const std::vector<Event> events = recording.Decode();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[1].loss->loss_class, "malformed");
}

TEST(RecordDecoder, LetsHeldRecordsGoBeforeMemoryRunsOut) {
  TestRecording recording;
  std::vector<Bytes> records;
  for (std::uint64_t i = 0; i < 100; ++i) records.push_back(ExitAt(100 + i));
  recording.AddRecords(TestRecording::Chunk(0, 0, records), 0);
  RecordDecoder decoder({.held_bytes_max = 1000});
  std::vector<Event> events;
  ASSERT_TRUE(recording.Feed(0, decoder, events));
  ASSERT_TRUE(recording.Feed(1, decoder, events));
  EXPECT_EQ(events.size(), 100U);
  decoder.Finish(events);
  ASSERT_EQ(events.size(), 101U);
  EXPECT_EQ(events.back().loss->loss_class, "order");
}

TEST(RecordDecoder, HonoursOnlySoManyReadingsOfTheCounters) {
  TestRecording recording;
  std::vector<Bytes> readings;
  for (std::uint64_t i = 1; i <= 1000; ++i) readings.push_back(LossAt(i, i));
  recording.AddRecords(TestRecording::Chunk(wire::kUserSpaceCpu, 0, readings), 100'000);
  EXPECT_EQ(recording.Decode().size(), 257U);  // and one that says so
}

TEST(RecordDecoder, SurvivesAnyByteOfABatchChanged) {
  open_record body{};
  body.header = TestHeader(RECORD_OPEN, 100, 257, 3);
  body.object.type = OBJECT_FILE;
  const Bytes open = wire::RecordBuilder(body)
                         .Tail(&open_record::path, "/etc/passwd")
                         .Tail(&open_record::user_path, "passwd")
                         .Build();
  const Bytes chunk = TestRecording::Chunk(0, 0, {ExitAt(90), open, ExitAt(110)});
  for (std::size_t at = 0; at < chunk.size(); ++at) {
    for (const int value : {0, 0x7f, 0xff}) {
      TestRecording recording;
      Bytes damaged = chunk;
      damaged[at] = static_cast<std::byte>(value);
      recording.AddRecords(damaged, 1000);
      EXPECT_LE(recording.Decode().size(), 8U) << at;
    }
  }
}

}  // namespace
}  // namespace spoor::ingest
