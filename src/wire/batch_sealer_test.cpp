// SPDX-License-Identifier: Apache-2.0
#include "wire/batch_sealer.hpp"

#include <gtest/gtest.h>

#include <random>

#include "wire/chunk.hpp"
#include "wire/record_builder.hpp"

namespace spoor::wire {
namespace {

using Bytes = std::vector<std::byte>;

struct Collected {
  std::vector<Batch> batches;
  std::vector<Sha256> digests;
  BatchSealer::Sink Sink() {
    return [this](const DigestedBytes& encoded) -> Result<> {
      ASSIGN_OR_RETURN(Batch batch, DecodeBatch(encoded.bytes));
      batches.push_back(std::move(batch));
      digests.push_back(DigestOf(encoded.bytes));
      return {};
    };
  }
};

// A chunk of `count` records whose payload does not compress.
Bytes NoisyChunk(std::uint64_t first_sequence, std::uint32_t count, std::size_t payload_bytes) {
  std::mt19937 random(static_cast<unsigned>(first_sequence));
  Bytes records;
  for (std::uint32_t i = 0; i < count; ++i) {
    io_record body{};
    body.header.kind = RECORD_IO;
    body.header.boot_ns = first_sequence + i;
    std::string payload(payload_bytes, '\0');
    for (char& c : payload) c = static_cast<char>(random() & 0xff);
    const Bytes record = RecordBuilder(body).Tail(&io_record::payload, payload).Build();
    records.insert(records.end(), record.begin(), record.end());
  }
  Bytes chunks;
  AppendChunk(
      {.first_sequence = first_sequence, .cpu = 3, .size_bytes = 0, .count = count, .pad = 0},
      records, chunks);
  return chunks;
}

// boot_ns of every record, checking that chunk sequences are contiguous.
std::vector<std::uint64_t> RecordsOf(const std::vector<Batch>& batches) {
  std::vector<std::uint64_t> seen;
  for (const Batch& batch : batches) {
    std::span<const std::byte> rest = batch.payload;
    while (std::optional<Chunk> chunk = TakeChunk(rest)) {
      EXPECT_EQ(chunk->header.first_sequence, seen.size());
      std::uint32_t count = 0;
      while (auto record = TakeRecord(chunk->records)) {
        record_header header;
        std::memcpy(&header, record->data(), sizeof(header));
        seen.push_back(header.boot_ns);
        ++count;
      }
      EXPECT_TRUE(chunk->records.empty());
      EXPECT_EQ(count, chunk->header.count);
    }
    EXPECT_TRUE(rest.empty());
  }
  return seen;
}

TEST(BatchSealer, NumbersAndChainsBatches) {
  Collected collected;
  BatchSealer sealer(MakeRecordingId(), collected.Sink());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(sealer.Seal(BatchKind::kRecordingOpen, AsBytes("{}"), {}));
  }
  ASSERT_EQ(collected.batches.size(), 3U);
  EXPECT_EQ(collected.batches[0].previous_sha256, Sha256{});
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(collected.batches[i].batch_index, i);
    if (i > 0) {
      EXPECT_EQ(collected.batches[i].previous_sha256, collected.digests[i - 1]);
    }
  }
}

TEST(BatchSealer, SplitsRecordsThatDoNotFitWithoutLosingOne) {
  Collected collected;
  BatchSealer sealer(MakeRecordingId(), collected.Sink());
  Bytes chunks = NoisyChunk(0, 40, 1000);
  const Bytes more = NoisyChunk(40, 160, 1000);
  chunks.insert(chunks.end(), more.begin(), more.end());
  ASSERT_TRUE(
      sealer.Seal(BatchKind::kRecords, chunks, {.boot_ns = 9, .complete_until_boot_ns = 8}));
  EXPECT_GT(collected.batches.size(), 3U);
  EXPECT_EQ(sealer.batch_count(), collected.batches.size());
  const std::vector<std::uint64_t> seen = RecordsOf(collected.batches);
  ASSERT_EQ(seen.size(), 200U);
  for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], i);
}

TEST(BatchSealer, MovesTheCompletenessMarkOnlyWithTheLastPart) {
  Collected collected;
  BatchSealer sealer(MakeRecordingId(), collected.Sink());
  ASSERT_TRUE(sealer.Seal(BatchKind::kRecords, NoisyChunk(0, 100, 1500),
                          {.boot_ns = 9, .complete_until_boot_ns = 8}));
  ASSERT_GT(collected.batches.size(), 1U);
  for (std::size_t i = 0; i + 1 < collected.batches.size(); ++i) {
    EXPECT_EQ(collected.batches[i].complete_until_boot_ns, 0U);
  }
  EXPECT_EQ(collected.batches.back().complete_until_boot_ns, 8U);
}

TEST(BatchSealer, FitsTheLargestPossibleRecord) {
  Collected collected;
  BatchSealer sealer(MakeRecordingId(), collected.Sink());
  const std::size_t payload_bytes = RECORD_SIZE_BYTES_MAX - sizeof(io_record);
  ASSERT_TRUE(sealer.Seal(BatchKind::kRecords, NoisyChunk(0, 5, payload_bytes), {}));
  EXPECT_EQ(RecordsOf(collected.batches).size(), 5U);
}

TEST(BatchSealer, SplitsImportedBytesAnywhereAndKeepsTheirOrder) {
  Collected collected;
  BatchSealer sealer(MakeRecordingId(), collected.Sink());
  const Bytes noise = NoisyChunk(0, 300, 1003);
  ASSERT_TRUE(sealer.Seal(BatchKind::kImportData, noise, {}));
  Bytes together;
  for (const Batch& batch : collected.batches) {
    together.insert(together.end(), batch.payload.begin(), batch.payload.end());
  }
  EXPECT_EQ(together, noise);
}

TEST(BatchSealer, RefusesADescriptionThatDoesNotFit) {
  Collected collected;
  BatchSealer sealer(MakeRecordingId(), collected.Sink());
  const Bytes noise = NoisyChunk(0, 100, 1000);
  EXPECT_EQ(sealer.Seal(BatchKind::kRecordingOpen, noise, {}).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_TRUE(collected.batches.empty());
}

TEST(BatchSealer, GoesOnWithTheSameIndexAfterTheSinkFailed) {
  bool fail = true;
  std::vector<std::uint64_t> indices;
  BatchSealer sealer(MakeRecordingId(), [&](const DigestedBytes& encoded) -> Result<> {
    if (fail) return Fail(ErrorCode::kIo, "disk full");
    indices.push_back(DecodeBatch(encoded.bytes)->batch_index);
    return {};
  });
  EXPECT_EQ(sealer.Seal(BatchKind::kRecordingOpen, {}, {}).error().code, ErrorCode::kIo);
  fail = false;
  EXPECT_TRUE(sealer.Seal(BatchKind::kRecordingOpen, {}, {}));
  EXPECT_EQ(indices, std::vector<std::uint64_t>{0});
}

TEST(Chunk, IsNotTakenWhenItClaimsMoreThanThereIs) {
  Bytes chunks = NoisyChunk(0, 1, 8);
  chunks.pop_back();
  std::span<const std::byte> rest = chunks;
  EXPECT_FALSE(TakeChunk(rest));
  EXPECT_EQ(rest.size(), chunks.size());
}

TEST(Chunk, RecordOfAnImpossibleSizeIsNotTaken) {
  for (const std::uint16_t size_bytes : std::array<std::uint16_t, 6>{0, 8, 55, 57, 32776, 65528}) {
    Bytes bytes(65536);
    record_header header{};
    header.size_bytes = size_bytes;
    std::memcpy(bytes.data(), &header, sizeof(header));
    std::span<const std::byte> rest = bytes;
    EXPECT_FALSE(TakeRecord(rest)) << size_bytes;
  }
}

}  // namespace
}  // namespace spoor::wire
