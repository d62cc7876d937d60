// SPDX-License-Identifier: Apache-2.0
#include "wire/removed_beginning.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"

namespace spoor::wire {
namespace {

std::vector<std::byte> Entry(BatchKind kind, std::span<const std::byte> payload) {
  Batch batch;
  batch.kind = kind;
  batch.payload.assign(payload.begin(), payload.end());
  return *EncodeBatch(batch);
}

std::vector<std::byte> Carrying(std::uint8_t recording) {
  Carried carried;
  carried.recordings.push_back({.recording_id = {recording},
                                .extent = {.batch_count = 5},
                                .last_sha256 = {},
                                .first_batch = {}});
  return Entry(BatchKind::kCarried, EncodeCarried(carried).front());
}

std::vector<std::byte> Saying(std::uint64_t removed_until, std::uint64_t carried_count) {
  return Entry(BatchKind::kRetention,
               AsBytes(RetentionJson({.removed_until_entry = removed_until,
                                      .root = {},
                                      .carried_count = carried_count,
                                      .removals = {{.from_entry = 0,
                                                    .until_entry = removed_until,
                                                    .wall_ns = 0,
                                                    .policy = "",
                                                    .by = ""}}})));
}

TEST(RemovedBeginning, IsWhatTheNewestEntrySaysWithWhatStandsBeforeIt) {
  RemovedBeginningFinder finder;
  ASSERT_TRUE(finder.Add(300, Carrying(1)));
  ASSERT_TRUE(finder.Add(301, Saying(256, 1)));
  ASSERT_TRUE(finder.found());
  EXPECT_EQ(finder.found()->retention.removed_until_entry, 256U);
  EXPECT_EQ(finder.found()->entry, 301U);
  ASSERT_TRUE(finder.Add(600, Carrying(2)));
  ASSERT_TRUE(finder.Add(601, Carrying(3)));
  ASSERT_TRUE(finder.Add(602, Saying(512, 2)));
  EXPECT_EQ(finder.found()->retention.removed_until_entry, 512U);
  ASSERT_EQ(finder.found()->carried.recordings.size(), 2U);
  EXPECT_EQ(finder.found()->carried.recordings[0].recording_id[0], 2);
  EXPECT_EQ(finder.found()->carried.recordings[1].recording_id[0], 3);
}

TEST(RemovedBeginning, IsNotKnownFromAPartOfWhatWasCarried) {
  RemovedBeginningFinder finder;
  ASSERT_TRUE(finder.Add(300, Carrying(1)));
  ASSERT_TRUE(finder.Add(302, Carrying(2)));  // a hole before it
  ASSERT_TRUE(finder.Add(303, Saying(256, 3)));
  EXPECT_FALSE(finder.found());
  ASSERT_TRUE(finder.Add(400, Saying(256, 0)));
  ASSERT_TRUE(finder.found());
  EXPECT_TRUE(finder.found()->carried.recordings.empty());
}

TEST(RemovedBeginning, OtherBatchesSayNothingOfIt) {
  RemovedBeginningFinder finder;
  ASSERT_TRUE(finder.Add(0, Entry(BatchKind::kRecords, {})));
  ASSERT_TRUE(finder.Add(1, AsBytes("no batch")));
  EXPECT_FALSE(finder.found());
  EXPECT_FALSE(finder.Add(2, Entry(BatchKind::kRetention, AsBytes("{}"))));
}

}  // namespace
}  // namespace spoor::wire
