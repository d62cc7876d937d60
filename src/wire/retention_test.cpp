// SPDX-License-Identifier: Apache-2.0
#include "wire/retention.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "base/file.hpp"

namespace spoor::wire {
namespace {

using ::testing::HasSubstr;

Retention TwoRemovals() {
  return {.removed_until_entry = 768,
          .root = {1, 2, 3},
          .carried_count = 2,
          .removals = {{.from_entry = 0,
                        .until_entry = 256,
                        .bundle_bytes = 7,
                        .wall_ns = 1,
                        .policy = "keep 30d",
                        .by = "root"},
                       {.from_entry = 256,
                        .until_entry = 768,
                        .bundle_bytes = 8,
                        .wall_ns = 2,
                        .policy = "keep at most 5 bytes",
                        .by = "spoor"}}};
}

Carried SomeCarried(std::size_t count) {
  Carried carried;
  for (std::size_t i = 0; i < count; ++i) {
    carried.recordings.push_back({.recording_id = {static_cast<std::uint8_t>(i)},
                                  .extent = {.first_entry = i,
                                             .last_entry = i + 9,
                                             .batch_count = 7,
                                             .missing_batch_count = 3,
                                             .first_wall_ns = -5,
                                             .last_wall_ns = 6,
                                             .is_account = i % 2 == 1,
                                             .closed = false},
                                  .last_sha256 = {9},
                                  .first_batch = std::vector<std::byte>(900, std::byte{4})});
    carried.chains.push_back({.chain_id = {static_cast<std::uint8_t>(i)},
                              .sensor = "web-1",
                              .closed = i % 2 == 0,
                              .next_sequence = 12,
                              .last_wall_ns = 13,
                              .last_sha256 = {14},
                              .open_frame = std::vector<std::byte>(i, std::byte{5})});
  }
  return carried;
}

TEST(Retention, IsReadAsItWasWritten) {
  const auto read = ParseRetention(RetentionJson(TwoRemovals()));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(RetentionJson(*read), RetentionJson(TwoRemovals()));
  EXPECT_EQ(read->removals[1].policy, "keep at most 5 bytes");
}

TEST(Retention, IsRefusedWhenItsRemovalsDoNotLeadToItsCut) {
  const auto refused = [](const Retention& retention) {
    const auto read = ParseRetention(RetentionJson(retention));
    return !read && read.error().code == ErrorCode::kCorrupt;
  };
  Retention retention = TwoRemovals();
  retention.removals[1].from_entry = 255;
  EXPECT_TRUE(refused(retention));
  retention = TwoRemovals();
  retention.removed_until_entry = 1024;
  EXPECT_TRUE(refused(retention));
  retention = TwoRemovals();
  retention.removed_until_entry = retention.removals[1].until_entry = 700;  // no whole bundle
  EXPECT_TRUE(refused(retention));
  retention.removals.clear();
  EXPECT_TRUE(refused(retention));
  EXPECT_FALSE(ParseRetention("{}"));
  EXPECT_FALSE(ParseRetention("[1"));
  EXPECT_FALSE(ParseRetention(R"({"format":2})"));
}

TEST(Retention, IsStoredAsItIsForReadersWithoutZstd) {
  Batch batch;
  batch.kind = BatchKind::kRetention;
  const std::string json = RetentionJson(TwoRemovals());
  batch.payload = {AsBytes(json).begin(), AsBytes(json).end()};
  const auto encoded = EncodeBatch(batch);
  ASSERT_TRUE(encoded);
  EXPECT_THAT(std::string(AsText(*encoded)), HasSubstr(json));
  const auto decoded = DecodeBatch(*encoded);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->payload, batch.payload);
}

TEST(Carried, IsReadAsItWasWrittenInSeveralPayloads) {
  const Carried carried = SomeCarried(100);
  const auto payloads = EncodeCarried(carried);
  EXPECT_GT(payloads.size(), 1U);
  Carried read;
  for (const auto& payload : payloads) ASSERT_TRUE(DecodeCarried(payload, read));
  ASSERT_EQ(read.recordings.size(), 100U);
  ASSERT_EQ(read.chains.size(), 100U);
  EXPECT_EQ(EncodeCarried(read), payloads);
  EXPECT_EQ(read.recordings[3].extent.first_wall_ns, -5);
  EXPECT_TRUE(read.recordings[3].extent.is_account);
  EXPECT_EQ(read.chains[4].sensor, "web-1");
  EXPECT_TRUE(read.chains[4].closed);
  EXPECT_EQ(read.chains[99].open_frame.size(), 99U);
}

TEST(Carried, IsRefusedTruncatedAtAnyLengthAndNeverReadBeyond) {
  const std::vector<std::byte> payload = EncodeCarried(SomeCarried(2)).front();
  std::set<std::size_t> ends{0};
  for (std::size_t at = 0; at < payload.size(); ends.insert(at)) {
    std::uint32_t item_bytes = 0;
    std::memcpy(&item_bytes, payload.data() + at, sizeof(item_bytes));
    at += item_bytes;
  }
  for (std::size_t size = 0; size < payload.size(); ++size) {
    // From the heap, so that a sanitizer sees a read beyond the end.
    const std::vector<std::byte> cut(payload.begin(),
                                     payload.begin() + static_cast<std::ptrdiff_t>(size));
    Carried read;
    EXPECT_EQ(DecodeCarried(cut, read).has_value(), ends.contains(size)) << size;
  }
  for (std::size_t at = 0; at < 8; ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::vector<std::byte> flipped = payload;
      flipped[at] ^= static_cast<std::byte>(1U << bit);
      Carried read;
      static_cast<void>(DecodeCarried(flipped, read));
    }
  }
}

}  // namespace
}  // namespace spoor::wire
