// SPDX-License-Identifier: Apache-2.0
#include "collector/completeness.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "wire/batch_sealer.hpp"
#include "wire/chunk.hpp"

namespace spoor::collector {
namespace {

constexpr std::int64_t kWallMinusBootNs = 1'000'000;

wire::FrameHeader HeaderAt(std::uint64_t sequence, std::uint64_t boot_ns) {
  wire::FrameHeader header;
  header.chain_id = {7};
  header.sequence = sequence;
  header.boot_ns = boot_ns;
  header.wall_ns = kWallMinusBootNs + static_cast<std::int64_t>(boot_ns);
  header.frame_bytes = wire::kFrameHeaderBytes + wire::kFrameTagBytes;
  return header;
}

CollectedRecord RecordOf(Verdict verdict, const wire::FrameHeader& header, std::string note = {},
                         std::uint64_t entry_index = kNoEntry) {
  return {.verdict = verdict,
          .entry_index = entry_index,
          .received_wall_ns = 0,
          .sensor = "web-1",
          .head = wire::EncodeFrameHeader(header),
          .note = std::move(note)};
}

wire::Batch AccountOf(const std::vector<CollectedRecord>& records) {
  wire::Batch batch;
  batch.kind = wire::BatchKind::kCollected;
  for (const CollectedRecord& record : records) AppendRecord(record, batch.payload);
  return batch;
}

wire::Batch BatchAt(wire::BatchKind kind, std::uint64_t index, std::uint64_t boot_ns,
                    std::string_view payload = "{}") {
  wire::Batch batch;
  batch.kind = kind;
  batch.recording_id = {7};
  batch.batch_index = index;
  batch.boot_ns = boot_ns;
  batch.wall_ns = kWallMinusBootNs + static_cast<std::int64_t>(boot_ns);
  batch.payload = {AsBytes(payload).begin(), AsBytes(payload).end()};
  return batch;
}

const CollectedRecord kOpened = RecordOf(Verdict::kOpened, HeaderAt(0, 100),
                                         R"({"sensor":"web-1","host":"web","boot_id":"b"})");
constexpr std::string_view kDescription = R"({"boot_id":"b","scopes":[{"host":"web"}]})";

TEST(Completeness, StatesNothingWhereNothingIsMissing) {
  Completeness completeness;
  completeness.Add(BatchAt(wire::BatchKind::kRecordingOpen, 0, 100, kDescription));
  completeness.Add(BatchAt(wire::BatchKind::kRecordingClose, 1, 200));
  completeness.Add(AccountOf({kOpened, RecordOf(Verdict::kAccepted, HeaderAt(1, 100), {}, 0),
                              RecordOf(Verdict::kAccepted, HeaderAt(2, 200), {}, 1),
                              RecordOf(Verdict::kClosed, HeaderAt(3, 300), "{}")}));
  completeness.Finish();
  EXPECT_TRUE(completeness.holes().empty());
  EXPECT_FALSE(completeness.has_loss());
}

TEST(Completeness, NamesSensorIntervalAndSequenceOfMissingFramesAndBatches) {
  Completeness completeness;
  completeness.Add(BatchAt(wire::BatchKind::kRecordingOpen, 0, 100, kDescription));
  completeness.Add(AccountOf({kOpened, RecordOf(Verdict::kAccepted, HeaderAt(1, 110), {}, 0)}));
  completeness.Add(BatchAt(wire::BatchKind::kRecords, 5, 200, ""));
  completeness.Add(AccountOf({RecordOf(Verdict::kMissing, HeaderAt(6, 210)),
                              RecordOf(Verdict::kAccepted, HeaderAt(6, 210), {}, 2)}));
  completeness.Finish();
  const std::vector<Hole>& holes = completeness.holes();
  ASSERT_EQ(holes.size(), 3);
  EXPECT_EQ(holes[0].kind, Hole::Kind::kBatchesMissing);
  EXPECT_EQ(holes[0].first, 1);
  EXPECT_EQ(holes[0].last, 4);
  EXPECT_EQ(holes[0].from_wall_ns, kWallMinusBootNs + 100);
  EXPECT_EQ(holes[0].until_wall_ns, kWallMinusBootNs + 200);
  EXPECT_EQ(holes[1].kind, Hole::Kind::kFramesMissing);
  EXPECT_EQ(holes[1].sensor, "web-1");
  EXPECT_EQ(holes[1].host, "web");
  EXPECT_EQ(holes[1].boot_id, "b");
  EXPECT_EQ(holes[1].first, 2);
  EXPECT_EQ(holes[1].last, 5);
  EXPECT_EQ(holes[1].from_wall_ns, kWallMinusBootNs + 110);
  EXPECT_EQ(holes[1].until_wall_ns, kWallMinusBootNs + 210);
  EXPECT_EQ(holes[0].overlaps, std::vector<std::size_t>{1});
  EXPECT_EQ(holes[1].overlaps, (std::vector<std::size_t>{0, 2}));
  // One line for recording and chain together: neither has an end.
  EXPECT_EQ(holes[2].kind, Hole::Kind::kNoEnd);
  EXPECT_EQ(holes[2].sensor, "web-1");
  EXPECT_EQ(holes[2].until_wall_ns, kOpenEndWallNs);
  EXPECT_TRUE(completeness.has_loss());
}

TEST(Completeness, TellsWhatASensorDroppedInItsOwnWords) {
  Completeness completeness;
  completeness.Add(AccountOf({kOpened,
                              RecordOf(Verdict::kGap, HeaderAt(1, 900),
                                       R"({"dropped_batch_count":12,"from_boot_ns":500,)"
                                       R"("until_boot_ns":800,"reason":"the spool is full"})"),
                              RecordOf(Verdict::kClosed, HeaderAt(2, 950), "{}")}));
  completeness.Finish();
  ASSERT_EQ(completeness.holes().size(), 1);
  const Hole& hole = completeness.holes()[0];
  EXPECT_EQ(hole.kind, Hole::Kind::kSensorDropped);
  EXPECT_EQ(hole.count, 12);
  EXPECT_EQ(hole.from_wall_ns, kWallMinusBootNs + 500);
  EXPECT_EQ(hole.until_wall_ns, kWallMinusBootNs + 800);
  EXPECT_EQ(hole.reason, "the spool is full");
}

/// A recording whose counter of this class moved twice.
Completeness WithLossOf(std::size_t loss_class) {
  Completeness completeness;
  completeness.Add(BatchAt(wire::BatchKind::kRecordingOpen, 0, 100, kDescription));
  for (const std::uint64_t reading : {1U, 2U}) {
    loss_record loss{};
    loss.header.kind = RECORD_LOSS;
    loss.header.size_bytes = sizeof(loss);
    loss.header.boot_ns = 100 + 10 * reading;
    loss.count[loss_class] = 3 * reading;
    wire::Batch batch = BatchAt(wire::BatchKind::kRecords, reading, 200, "");
    wire::AppendChunk({.first_sequence = reading - 1,
                       .cpu = wire::kUserSpaceCpu,
                       .size_bytes = 0,
                       .count = 1,
                       .pad = 0},
                      std::as_bytes(std::span(&loss, 1)), batch.payload);
    completeness.Add(batch);
  }
  completeness.Add(BatchAt(wire::BatchKind::kRecordingClose, 3, 300));
  completeness.Finish();
  return completeness;
}

TEST(Completeness, AddsUpDropCountersByClass) {
  const Completeness completeness = WithLossOf(LOSS_IO);
  EXPECT_TRUE(completeness.has_loss());
  ASSERT_EQ(completeness.holes().size(), 1);
  const Hole& hole = completeness.holes()[0];
  EXPECT_EQ(hole.kind, Hole::Kind::kRecordsLost);
  EXPECT_EQ(hole.loss_class, "io");
  EXPECT_EQ(hole.count, 6);
  EXPECT_EQ(hole.from_wall_ns, kWallMinusBootNs + 100);
  EXPECT_EQ(hole.until_wall_ns, kWallMinusBootNs + 120);
}

TEST(Completeness, PayloadLeftOutIsSaidAndIsNoLoss) {
  const Completeness completeness = WithLossOf(LOSS_PAYLOAD);
  EXPECT_FALSE(completeness.has_loss());
  ASSERT_EQ(completeness.holes().size(), 1);
  EXPECT_EQ(completeness.holes()[0].loss_class, "payload");
}

/// A recording of one batch behind the other, from `boot_ns` on.
void AddRecording(Completeness& completeness, std::uint8_t id, std::uint64_t boot_ns,
                  std::string_view description, std::string_view closing) {
  std::uint64_t index = 0;
  for (const auto& [kind, payload] : {std::pair(wire::BatchKind::kRecordingOpen, description),
                                      std::pair(wire::BatchKind::kRecords, std::string_view()),
                                      std::pair(wire::BatchKind::kRecordingClose, closing)}) {
    if (kind == wire::BatchKind::kRecordingClose && closing.empty()) continue;
    wire::Batch batch = BatchAt(kind, index, boot_ns + 10 * index, payload);
    batch.recording_id = {id};
    completeness.Add(batch);
    ++index;
  }
}

TEST(Completeness, StatesWhenAHostWasNotRecordedAndWhyThatBegan) {
  constexpr std::string_view kMachine =
      R"({"boot_id":"b","scopes":[{"host":"web","kind":"machine"},{"host":"db","kind":"cgroup"}]})";
  Completeness completeness;
  AddRecording(completeness, 1, 100, kMachine, R"({"reason":"signal SIGTERM"})");
  AddRecording(completeness, 2, 500, kMachine, "");
  AddRecording(completeness, 3, 900, kMachine, R"({"reason":{"not":"text"}})");
  completeness.Finish();
  EXPECT_FALSE(completeness.has_loss());
  const std::vector<Unrecorded>& found = completeness.unrecorded();
  ASSERT_EQ(found.size(), 4);  // two for each host
  EXPECT_EQ(found[0].before.host, "db");
  EXPECT_EQ(found[2].before.host, "web");
  EXPECT_EQ(found[2].before.until_boot_ns, 120);
  EXPECT_EQ(found[2].after.from_boot_ns, 500);
  EXPECT_EQ(found[2].before.until_wall_ns, kWallMinusBootNs + 120);
  EXPECT_EQ(found[2].before.reason, "signal SIGTERM");
  EXPECT_TRUE(found[2].before.closed);
  EXPECT_FALSE(found[3].before.closed);
  EXPECT_EQ(found[3].before.until_boot_ns, 510);
  EXPECT_EQ(found[3].after.from_boot_ns, 900);
}

TEST(Completeness, ACommandThatEndsLeavesNothingUnrecorded) {
  constexpr std::string_view kTree =
      R"({"boot_id":"b","scopes":[{"host":"web","kind":"tree"},{"host":"x"},{"kind":7},3]})";
  Completeness completeness;
  AddRecording(completeness, 1, 100, kTree, R"({"reason":"command exited 0"})");
  AddRecording(completeness, 2, 500, kTree, "[");
  completeness.Finish();
  EXPECT_TRUE(completeness.unrecorded().empty());
}

TEST(Completeness, ARecordingWhoseBeginningWasRemovedEndsWhereItWas) {
  constexpr std::string_view kMachine =
      R"({"boot_id":"b","scopes":[{"host":"web","kind":"machine"}]})";
  wire::CarriedRecording carried{
      .recording_id = {1}, .extent = {}, .last_sha256 = {}, .first_batch = {}};
  wire::Batch first = BatchAt(wire::BatchKind::kRecordingOpen, 0, 100, kMachine);
  first.recording_id = {1};
  const auto encoded = wire::EncodeBatch(first);
  ASSERT_TRUE(encoded);
  carried.first_batch = *encoded;
  carried.extent.batch_count = 7;
  carried.extent.first_wall_ns = first.wall_ns;
  carried.extent.last_wall_ns = kWallMinusBootNs + 400;
  Completeness completeness;
  completeness.Continue({.recordings = {carried}, .chains = {}});
  AddRecording(completeness, 2, 500, kMachine, R"({"reason":"duration"})");
  completeness.Finish();
  ASSERT_EQ(completeness.unrecorded().size(), 1);
  EXPECT_EQ(completeness.unrecorded()[0].before.until_boot_ns, 400);
  EXPECT_EQ(completeness.unrecorded()[0].before.until_wall_ns, kWallMinusBootNs + 400);
  EXPECT_EQ(completeness.unrecorded()[0].after.from_boot_ns, 500);
}

TEST(Completeness, ScopesThatAreTooManyAreCounted) {
  std::string many = R"({"boot_id":"b","scopes":[)";
  constexpr std::size_t kScopes = Completeness::kScopesMax + 2;
  for (std::size_t i = 0; i < kScopes; ++i) many += R"({"host":"h","kind":"machine"},)";
  many.back() = ']';
  Completeness completeness;
  AddRecording(completeness, 1, 100, many + "}", "{}");
  completeness.Finish();
  EXPECT_EQ(completeness.left_out_scope_count(), 2);
}

}  // namespace
}  // namespace spoor::collector
