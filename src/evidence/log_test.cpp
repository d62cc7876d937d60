// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.hpp"
#include "evidence/checkpoint.hpp"
#include "evidence/log.hpp"
#include "evidence/log_test_support.hpp"
#include "evidence/tree.hpp"

namespace spoor::evidence {
namespace {

namespace fs = std::filesystem;

TEST(Log, GivesBackWhatWasAppendedAcrossReopens) {
  const TestStore store;
  std::uint64_t expected = 0;
  for (const std::uint64_t size : {0U, 1U, 2U, 255U, 256U, 257U, 511U, 512U, 700U, 66'000U}) {
    store.Fill(size);
    EXPECT_EQ(store.ReadAll(), size);
    expected = size;
  }
  EXPECT_EQ(expected, 66'000U);
  EXPECT_TRUE(fs::exists(store.folder() / "tile/2/000.p/1"));
}

TEST(Log, KeepsTheSameBytesHoweverOftenItIsReopened) {
  const TestStore once;
  once.Fill(600);
  // A copy on disk. NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
  const TestStore often(once);
  for (std::uint64_t size = 1; size <= 600; size += 37) often.Fill(size);
  often.Fill(600);
  auto once_files = once.Files();
  auto often_files = often.Files();
  once_files.erase("checkpoint");  // signed at different times
  often_files.erase("checkpoint");
  EXPECT_EQ(once_files, often_files);
}

TEST(Log, LeavesAStandardStaticLogWhenClosed) {
  const TestStore store;
  store.Fill(600);
  std::vector<std::string> names;
  for (const auto& [name, bytes] : store.Files()) names.push_back(name);
  EXPECT_THAT(names,
              testing::UnorderedElementsAre("checkpoint", "tile/0/000", "tile/0/001",
                                            "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/000",
                                            "tile/entries/001", "tile/entries/002.p/88"));
  EXPECT_EQ(store.Files()["tile/0/000"].size(), 8192U);
}

TEST(Log, CountsOnlyWhatACheckpointCovers) {
  const TestStore store;
  auto writer = store.OpenWriter();
  for (std::uint64_t i = 0; i < 300; ++i) ASSERT_TRUE(writer->Append(TestEntry(i)));
  EXPECT_EQ(store.ReadAll(), 0U);
  ASSERT_TRUE(writer->Checkpoint());
  EXPECT_EQ(store.ReadAll(), 300U);
  ASSERT_TRUE(writer->Append(TestEntry(300)));
  EXPECT_EQ(store.ReadAll(), 300U);
  EXPECT_EQ(writer->size(), 301U);
}

TEST(Log, ReadsFromAnyEntryOnAndStopsWhenTheVisitorFails) {
  const TestStore store;
  store.Fill(600);
  const auto reader = LogReader::Open(store.folder(), store.verifier_key());
  ASSERT_TRUE(reader) << reader.error().message;
  for (const std::uint64_t first : {0U, 1U, 255U, 256U, 599U, 600U}) {
    std::uint64_t next = first;
    ASSERT_TRUE((*reader)->ForEach(first, [&](std::uint64_t index, auto entry) -> Result<> {
      EXPECT_EQ(index, next++);
      EXPECT_EQ(AsText(entry), AsText(TestEntry(index)));
      return {};
    }));
    EXPECT_EQ(next, 600U);
  }
  const auto stopped = (*reader)->ForEach(0, [](std::uint64_t index, auto) -> Result<> {
    if (index == 300) return Fail(ErrorCode::kCorrupt, "enough");
    return {};
  });
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().message, "enough");
  EXPECT_FALSE((*reader)->ForEach(601, [](std::uint64_t, auto) -> Result<> { return {}; }));
}

TEST(Log, HoldsEntriesUpToItsLimitAndRefusesOthers) {
  const TestStore store;
  auto writer = store.OpenWriter();
  const std::vector<std::byte> largest(65535, std::byte{7});
  ASSERT_TRUE(writer->Append(largest));
  const std::vector<std::byte> too_large(65536);
  for (const auto& entry : {std::vector<std::byte>(), too_large}) {
    const auto refused = writer->Append(entry);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  }
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(writer->Append(largest));
  ASSERT_TRUE(writer->Close());
  EXPECT_FALSE(writer->Append(largest));
  const auto reader = LogReader::Open(store.folder(), store.verifier_key());
  std::uint64_t count = 0;
  ASSERT_TRUE((*reader)->ForEach(0, [&](std::uint64_t, auto entry) -> Result<> {
    EXPECT_EQ(entry.size(), largest.size());
    ++count;
    return {};
  }));
  EXPECT_EQ(count, 301U);
}

TEST(Log, HasOneWriterAtATime) {
  const TestStore store;
  const auto first = store.OpenWriter();
  const auto second = LogWriter::Open(store.options());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(second.error().message, testing::HasSubstr("another writer"));
}

TEST(Log, KeepsItsPrivateKeyPrivate) {
  const TestStore store;
  store.Fill(3);
  const fs::path key_file = store.options().key_file;
  struct stat status {};
  ASSERT_EQ(::stat(key_file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  ASSERT_EQ(::chmod(key_file.c_str(), 0640), 0);
  const auto refused = LogWriter::Open(store.options());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("open to others (mode 0640)"));
  ASSERT_EQ(::chmod(key_file.c_str(), 0600), 0);
  store.Fill(4);
}

TEST(Log, IsNotContinuedWithAnotherKey) {
  const TestStore store;
  store.Fill(3);
  fs::remove(store.options().key_file);
  const auto without = LogWriter::Open(store.options());
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(without.error().message, testing::HasSubstr("private key is missing"));

  const TestStore other;
  other.Fill(1);
  fs::copy(other.options().key_file, store.options().key_file);
  ASSERT_EQ(::chmod(store.options().key_file.c_str(), 0600), 0);
  const auto with_other = LogWriter::Open(store.options());
  ASSERT_FALSE(with_other);
  EXPECT_EQ(with_other.error().code, ErrorCode::kUnverified);
}

TEST(Log, IsReadBesideALiveWriter) {
  const TestStore store;
  store.Fill(1);
  std::atomic<bool> done = false;
  std::thread reading([&] {
    std::uint64_t last = 0;
    while (!done) {
      const std::uint64_t size = store.ReadAll();
      EXPECT_GE(size, last);
      last = size;
    }
  });
  // Reopening and closing renames the files under the reader.
  for (std::uint64_t size = 2; size < 1500; size += 29) store.Fill(size);
  done = true;
  reading.join();
}

TEST(Log, SaysWhenThereIsNone) {
  const TestStore store;
  const auto nothing = LogReader::Open(store.folder() / "nowhere", "log+00000000+AA==");
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().code, ErrorCode::kNotFound);
}

TEST(Log, RefusesToStartOverWhereTilesAreLeft) {
  const TestStore store;
  store.Fill(300);
  fs::remove(store.folder() / "checkpoint");
  const auto writer = LogWriter::Open(store.options());
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().code, ErrorCode::kUnverified);
}

TEST(Log, ProvesEntriesFromItsTiles) {
  const TestStore store;
  store.Fill(1000);
  const auto reader = LogReader::Open(store.folder(), store.verifier_key());
  ASSERT_TRUE(reader);
  const auto node = [&](unsigned level, std::uint64_t index) {
    return (*reader)->Node(level, index);
  };
  TreeHasher hasher;
  for (const std::uint64_t index : {0U, 255U, 256U, 767U, 768U, 999U}) {
    const auto proof = ProveInclusion(index, 1000, node);
    ASSERT_TRUE(proof) << proof.error().message;
    EXPECT_TRUE(VerifyInclusion(hasher.Leaf(TestEntry(index)), index, 1000, *proof,
                                (*reader)->checkpoint().root));
    EXPECT_FALSE(VerifyInclusion(hasher.Leaf(TestEntry(index + 1)), index, 1000, *proof,
                                 (*reader)->checkpoint().root));
  }
}

TEST(Log, AnAbandonedAppendDoesNotCount) {
  const TestStore store;
  store.Fill(3);
  {
    const auto writer = store.OpenWriter();
    ASSERT_TRUE(writer->Append(TestEntry(7)));
    writer->Abandon();
    EXPECT_FALSE(writer->Append(TestEntry(8)));
    // Another writer may begin while this one is still there.
    EXPECT_TRUE(LogWriter::Open(store.options()));
  }
  EXPECT_EQ(store.ReadAll(), 3U);
  store.Fill(5);
  EXPECT_EQ(store.ReadAll(), 5U);
}

}  // namespace
}  // namespace spoor::evidence
