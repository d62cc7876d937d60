// SPDX-License-Identifier: Apache-2.0
#include "wire/batch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/file.hpp"

namespace spoor::wire {
namespace {

using Bytes = std::vector<std::byte>;

Batch Sample() {
  Batch batch{.kind = BatchKind::kRecords,
              .recording_id = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
              .batch_index = 7,
              .boot_ns = 123'456'789,
              .wall_ns = -5,
              .complete_until_boot_ns = 123'000'000,
              .previous_sha256 = {},
              .payload = {}};
  batch.previous_sha256.fill(0xab);
  const std::string text = "a payload that repeats itself, repeats itself, repeats itself";
  batch.payload.assign(AsBytes(text).begin(), AsBytes(text).end());
  return batch;
}

Bytes RandomBytes(std::size_t size_bytes) {
  std::mt19937 random(1);
  Bytes bytes(size_bytes);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() & 0xff);
  return bytes;
}

void ExpectSame(const Batch& actual, const Batch& expected) {
  EXPECT_EQ(actual.kind, expected.kind);
  EXPECT_EQ(actual.recording_id, expected.recording_id);
  EXPECT_EQ(actual.batch_index, expected.batch_index);
  EXPECT_EQ(actual.boot_ns, expected.boot_ns);
  EXPECT_EQ(actual.wall_ns, expected.wall_ns);
  EXPECT_EQ(actual.complete_until_boot_ns, expected.complete_until_boot_ns);
  EXPECT_EQ(actual.previous_sha256, expected.previous_sha256);
  EXPECT_EQ(actual.payload, expected.payload);
}

TEST(Batch, ComesBackAsItWasEncoded) {
  for (const BatchKind kind : {BatchKind::kRecordingOpen, BatchKind::kRecords,
                               BatchKind::kRecordingClose, BatchKind::kImportData}) {
    Batch batch = Sample();
    batch.kind = kind;
    const Result<Bytes> encoded = EncodeBatch(batch);
    ASSERT_TRUE(encoded) << encoded.error().message;
    const Result<Batch> decoded = DecodeBatch(*encoded);
    ASSERT_TRUE(decoded) << decoded.error().message;
    ExpectSame(*decoded, batch);
  }
}

TEST(Batch, KeepsAnEmptyPayload) {
  Batch batch = Sample();
  batch.payload.clear();
  const Result<Bytes> encoded = EncodeBatch(batch);
  ASSERT_TRUE(encoded);
  const Result<Batch> decoded = DecodeBatch(*encoded);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_TRUE(decoded->payload.empty());
}

TEST(Batch, CompressesMegabytesOfRepetitionIntoOneEntry) {
  Batch batch = Sample();
  batch.payload.assign(kBatchPayloadBytesMax, std::byte{'x'});
  const Result<Bytes> encoded = EncodeBatch(batch);
  ASSERT_TRUE(encoded);
  EXPECT_LT(encoded->size(), 4096U);
  EXPECT_EQ(DecodeBatch(*encoded)->payload.size(), kBatchPayloadBytesMax);
}

TEST(Batch, RefusesWhatDoesNotFitInOneEntry) {
  Batch batch = Sample();
  batch.payload = RandomBytes(kBatchBytesMax);
  EXPECT_EQ(EncodeBatch(batch).error().code, ErrorCode::kInvalidArgument);
  batch.payload = RandomBytes(kBatchBytesMax - 200);
  EXPECT_TRUE(EncodeBatch(batch));
  batch.payload.assign(kBatchPayloadBytesMax + 1, std::byte{0});
  EXPECT_EQ(EncodeBatch(batch).error().code, ErrorCode::kInvalidArgument);
}

TEST(Batch, IsRefusedWithAnyBitOfAnyByteFlipped) {
  const Bytes encoded = *EncodeBatch(Sample());
  for (std::size_t at = 0; at < encoded.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes damaged = encoded;
      damaged[at] ^= static_cast<std::byte>(1 << bit);
      ASSERT_FALSE(DecodeBatch(damaged)) << "byte " << at << " bit " << bit;
    }
  }
}

TEST(Batch, IsRefusedTruncatedAtAnyLength) {
  const Bytes encoded = *EncodeBatch(Sample());
  for (std::size_t length = 0; length < encoded.size(); ++length) {
    ASSERT_EQ(DecodeBatch(std::span(encoded).first(length)).error().code, ErrorCode::kCorrupt)
        << length;
  }
}

TEST(Batch, IsRefusedWithBytesBehindIt) {
  Bytes encoded = *EncodeBatch(Sample());
  encoded.push_back(std::byte{0});
  EXPECT_EQ(DecodeBatch(encoded).error().code, ErrorCode::kCorrupt);
}

TEST(Batch, OfANewerVersionIsUnsupportedNotCorrupt) {
  Bytes encoded = *EncodeBatch(Sample());
  encoded[8] = std::byte{2};
  const Result<Batch> decoded = DecodeBatch(encoded);
  EXPECT_EQ(decoded.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(decoded.error().message, testing::HasSubstr("version 2"));
}

TEST(Batch, HasTheDocumentedBytesInFront) {
  const Bytes encoded = *EncodeBatch(Sample());
  const std::string_view text = AsText(encoded);
  EXPECT_EQ(text.substr(0, 8), "SPOORBAT");
  EXPECT_EQ(encoded[8], std::byte{1});    // version
  EXPECT_EQ(encoded[10], std::byte{2});   // kind: records
  EXPECT_EQ(encoded[12], std::byte{61});  // payload_bytes
  EXPECT_EQ(encoded[16], std::byte{1});   // recording_id
  EXPECT_EQ(encoded[32], std::byte{7});   // batch_index
  EXPECT_EQ(encoded[64], std::byte{0xab});
  EXPECT_EQ(static_cast<std::size_t>(encoded[96]), encoded.size() - 112);
}

}  // namespace
}  // namespace spoor::wire
