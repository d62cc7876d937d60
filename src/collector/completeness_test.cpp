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
  batch.recording_id = {9};
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
  completeness.Add(0, BatchAt(wire::BatchKind::kRecordingOpen, 0, 100, kDescription));
  completeness.Add(1, BatchAt(wire::BatchKind::kRecordingClose, 1, 200));
  completeness.Add(2, AccountOf({kOpened, RecordOf(Verdict::kAccepted, HeaderAt(1, 100), {}, 0),
                                 RecordOf(Verdict::kAccepted, HeaderAt(2, 200), {}, 1),
                                 RecordOf(Verdict::kClosed, HeaderAt(3, 300), "{}")}));
  completeness.Finish();
  EXPECT_TRUE(completeness.holes().empty());
  EXPECT_FALSE(completeness.has_loss());
}

TEST(Completeness, NamesSensorIntervalAndSequenceOfMissingFramesAndBatches) {
  Completeness completeness;
  completeness.Add(0, BatchAt(wire::BatchKind::kRecordingOpen, 0, 100, kDescription));
  completeness.Add(1, AccountOf({kOpened, RecordOf(Verdict::kAccepted, HeaderAt(1, 110), {}, 0)}));
  completeness.Add(2, BatchAt(wire::BatchKind::kRecords, 5, 200, ""));
  completeness.Add(3, AccountOf({RecordOf(Verdict::kMissing, HeaderAt(6, 210)),
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
  completeness.Add(0, AccountOf({kOpened,
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
  completeness.Add(0, BatchAt(wire::BatchKind::kRecordingOpen, 0, 100, kDescription));
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
    completeness.Add(reading, batch);
  }
  completeness.Add(3, BatchAt(wire::BatchKind::kRecordingClose, 3, 300));
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

}  // namespace
}  // namespace spoor::collector
