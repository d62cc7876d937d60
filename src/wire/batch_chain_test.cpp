// SPDX-License-Identifier: Apache-2.0
#include "wire/batch_chain.hpp"

#include <gmock/gmock.h>

#include "base/file.hpp"

namespace spoor::wire {
namespace {

/// Batches of recordings `a` and `b`, mixed: open, records, records, close of each.
std::vector<Batch> TwoRecordings() {
  std::vector<Batch> batches;
  for (std::uint64_t index = 0; index < 4; ++index) {
    for (const std::uint8_t id : {std::uint8_t{0xAA}, std::uint8_t{0xBB}}) {
      Batch batch;
      batch.kind = index == 0   ? BatchKind::kRecordingOpen
                   : index == 3 ? BatchKind::kRecordingClose
                                : BatchKind::kRecords;
      batch.recording_id[0] = id;
      batch.batch_index = index;
      batch.wall_ns = static_cast<std::int64_t>(1000 + index);
      const auto payload = AsBytes("{}");
      if (batch.kind != BatchKind::kRecords) batch.payload.assign(payload.begin(), payload.end());
      batches.push_back(batch);
    }
  }
  return batches;
}

/// Encodes in this order, each with the digest of its recording's batch before it.
std::vector<std::vector<std::byte>> Encode(std::vector<Batch> batches) {
  std::vector<std::vector<std::byte>> entries;
  std::map<RecordingId, Sha256> last;
  for (Batch& batch : batches) {
    batch.previous_sha256 = last[batch.recording_id];
    entries.push_back(*EncodeBatch(batch));
    last[batch.recording_id] = DigestOf(entries.back());
  }
  return entries;
}

/// The first error when all entries are added.
std::string ErrorOf(const std::vector<std::vector<std::byte>>& entries) {
  BatchChain chain;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto added = chain.Add(i, entries[i]);
    if (added) continue;
    EXPECT_EQ(added.error().code, ErrorCode::kUnverified);
    return added.error().message;
  }
  const Result<> finished = chain.Finish();
  return finished ? "" : finished.error().message;
}

TEST(BatchChain, FollowsRecordingsThatAreMixed) {
  const auto entries = Encode(TwoRecordings());
  BatchChain chain;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto added = chain.Add(i, entries[i]);
    ASSERT_TRUE(added) << added.error().message;
  }
  ASSERT_EQ(chain.recordings().size(), 2U);
  const RecordingExtent& extent = chain.recordings().rbegin()->second.extent;
  EXPECT_EQ(extent.first_entry, 1U);
  EXPECT_EQ(extent.last_entry, 7U);
  EXPECT_EQ(extent.batch_count, 4U);
  EXPECT_EQ(extent.first_wall_ns, 1000);
  EXPECT_EQ(extent.last_wall_ns, 1003);
  EXPECT_TRUE(extent.closed);
}

TEST(BatchChain, SaysThatARecordingIsNotClosed) {
  auto entries = Encode(TwoRecordings());
  entries.pop_back();
  BatchChain chain;
  for (std::size_t i = 0; i < entries.size(); ++i) ASSERT_TRUE(chain.Add(i, entries[i]));
  EXPECT_TRUE(chain.recordings().begin()->second.extent.closed);
  EXPECT_FALSE(chain.recordings().rbegin()->second.extent.closed);
}

TEST(BatchChain, NoticesWhatIsMissingSwappedRepeatedOrPutIn) {
  const auto good = Encode(TwoRecordings());
  EXPECT_EQ(ErrorOf(good), "");
  for (std::size_t i = 0; i + 2 < good.size(); ++i) {
    auto entries = good;
    entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_THAT(ErrorOf(entries), testing::HasSubstr("is due")) << i;
    entries = good;
    std::swap(entries[i], entries[i + 2]);
    EXPECT_THAT(ErrorOf(entries), testing::HasSubstr("is due")) << i;
    entries = good;
    entries.insert(entries.begin() + static_cast<std::ptrdiff_t>(i), good[i]);
    EXPECT_THAT(ErrorOf(entries), testing::HasSubstr("is due")) << i;
  }
  auto foreign = TwoRecordings();
  foreign[3].wall_ns = 5;
  auto entries = good;
  entries[3] = Encode(foreign)[3];  // another batch in its place: the next one denies it
  EXPECT_THAT(ErrorOf(entries), testing::AllOf(testing::HasSubstr("entry 5:"),
                                               testing::HasSubstr("SHA-256 of the batch before")));
  entries = good;
  entries[2].pop_back();
  EXPECT_THAT(ErrorOf(entries), testing::StartsWith("entry 2: "));
}

TEST(BatchChain, CountsWhatASensorCouldNotDeliverWhereACollectorKeptAccount) {
  std::vector<std::vector<std::byte>> entries = Encode(TwoRecordings());
  Batch account;
  account.kind = BatchKind::kCollected;
  account.recording_id = {0xCC};
  entries.push_back(*EncodeBatch(account));
  entries.erase(entries.begin() + 2);
  BatchChain chain;
  for (std::size_t i = 0; i < entries.size(); ++i) ASSERT_TRUE(chain.Add(i, entries[i]));
  EXPECT_TRUE(chain.Finish());
  std::uint64_t missing_count = 0;
  for (const auto& [id, recording] : chain.recordings()) {
    missing_count += recording.extent.missing_batch_count;
    EXPECT_EQ(recording.extent.is_account, id == account.recording_id);
  }
  EXPECT_EQ(missing_count, 1U);
}

TEST(BatchChain, WantsOneDescriptionFirstAndNothingBehindTheEnd) {
  auto batches = TwoRecordings();
  batches[0].kind = BatchKind::kRecords;
  batches[0].payload.clear();
  EXPECT_THAT(ErrorOf(Encode(batches)), testing::HasSubstr("does not describe"));
  batches = TwoRecordings();
  batches[2].kind = BatchKind::kRecordingOpen;
  batches[2].payload = batches[0].payload;
  EXPECT_THAT(ErrorOf(Encode(batches)), testing::HasSubstr("describes the recording again"));
  batches = TwoRecordings();
  batches[4].kind = BatchKind::kRecordingClose;
  batches[4].payload = batches[0].payload;
  EXPECT_THAT(ErrorOf(Encode(batches)), testing::HasSubstr("follows the recording's end"));
}

}  // namespace
}  // namespace spoor::wire
