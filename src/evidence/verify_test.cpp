// SPDX-License-Identifier: Apache-2.0
// The corruption matrix: whatever is changed in a log folder, verification fails and names it.
#include "evidence/verify.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include "base/file.hpp"
#include "evidence/log_test_support.hpp"

namespace spoor::evidence {
namespace {

namespace fs = std::filesystem;

/// Writes without a sync, unlike base: these tests write ten thousands of times.
void Overwrite(const fs::path& path, std::string_view bytes) {
  const auto file = OpenFile(path, O_WRONLY | O_TRUNC | O_CREAT, 0644);
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_TRUE(WriteAll(file->get(), AsBytes(bytes), path));
}

/// Expects that the log does not verify and that the error names `object`.
void ExpectUnverified(const TestStore& store, const std::string& object, const std::string& what) {
  const auto report = store.Verify();
  ASSERT_FALSE(report) << what;
  EXPECT_EQ(report.error().code, ErrorCode::kUnverified) << what << ": " << report.error().message;
  EXPECT_THAT(report.error().message, testing::HasSubstr(object)) << what;
}

constexpr std::uint64_t kSize = 300;  // full tiles and partial ones, three levels of files

TEST(Verify, ProvesAnIntactLog) {
  const TestStore store;
  for (const std::uint64_t size : {0U, 1U, 255U, 256U, 300U, 513U}) {
    store.Fill(size);
    std::uint64_t visited = 0;
    std::uint64_t done = 0;
    const auto report =
        VerifyLog({.folder = store.folder(),
                   .public_key = store.verifier_key(),
                   .progress = [&](std::uint64_t now, std::uint64_t) { done = now; },
                   .visit = [&](std::uint64_t index, auto) -> Result<> {
                     EXPECT_EQ(index, visited++);
                     return {};
                   }});
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->checkpoint.size, size);
    EXPECT_EQ(visited, size);
    EXPECT_EQ(done, size);
    EXPECT_EQ(report->tail_bytes, 0U);
    EXPECT_TRUE(report->closed);
  }
}

TEST(Verify, NamesTheFileOfEveryFlippedByte) {
  const TestStore store;
  store.Fill(kSize);
  for (const auto& [name, bytes] : store.Files()) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(changed[i] ^ (1 << i % 8));
      Overwrite(store.folder() / name, changed);
      ExpectUnverified(store, name, fmt::format("{} byte {}", name, i));
      if (testing::Test::HasFailure()) return;
    }
    Overwrite(store.folder() / name, bytes);
  }
  ASSERT_TRUE(store.Verify());
}

TEST(Verify, NamesTheFirstBadEntry) {
  const TestStore store;
  store.Fill(kSize);
  const fs::path bundle = store.folder() / "tile/entries/001.p/44";
  std::string bytes = *ReadTextFile(bundle, 1 << 20);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  Overwrite(bundle, bytes);
  ExpectUnverified(store, "tile/entries/001.p/44: entry 299 ", "last entry");
}

TEST(Verify, NamesEveryTruncatedOrGrownFile) {
  const TestStore store;
  store.Fill(kSize);
  for (const auto& [name, bytes] : store.Files()) {
    for (std::size_t size = 0; size < bytes.size(); size += 1 + size / 7) {
      Overwrite(store.folder() / name, std::string_view(bytes).substr(0, size));
      ExpectUnverified(store, name, fmt::format("{} cut to {}", name, size));
    }
    for (const std::size_t more : {1U, 2U, 32U, 5000U}) {
      Overwrite(store.folder() / name, bytes + std::string(more, '\0'));
      ExpectUnverified(store, name, fmt::format("{} with {} more", name, more));
    }
    Overwrite(store.folder() / name, bytes);
  }
  ASSERT_TRUE(store.Verify());
}

TEST(Verify, NamesEveryRemovedFile) {
  const TestStore store;
  store.Fill(kSize);
  for (const auto& [name, bytes] : store.Files()) {
    fs::remove(store.folder() / name);
    ExpectUnverified(store, name, "removed " + name);
    Overwrite(store.folder() / name, bytes);
  }
  ASSERT_TRUE(store.Verify());
}

TEST(Verify, FindsSwappedEntries) {
  const TestStore store;
  store.Fill(kSize);
  const fs::path bundle = store.folder() / "tile/entries/000";
  const std::string bytes = *ReadTextFile(bundle, 1 << 20);
  // Entries 100 and 105 have the same length, so that only their order is wrong.
  std::vector<std::string> entries;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto length = static_cast<std::size_t>(static_cast<unsigned char>(bytes[at]) << 8 |
                                                 static_cast<unsigned char>(bytes[at + 1]));
    entries.push_back(bytes.substr(at, 2 + length));
    at += 2 + length;
  }
  ASSERT_EQ(entries.size(), 256U);
  std::swap(entries[100], entries[105]);
  std::string swapped;
  for (const std::string& entry : entries) swapped += entry;
  Overwrite(bundle, swapped);
  ExpectUnverified(store, "tile/entries/000: entry 100 ", "swapped entries");
}

TEST(Verify, FindsSwappedFiles) {
  const TestStore store;
  store.Fill(3 * 256 + 10);
  auto files = store.Files();
  for (const auto& [one, one_bytes] : files) {
    for (const auto& [other, other_bytes] : files) {
      if (one >= other) continue;
      Overwrite(store.folder() / one, other_bytes);
      Overwrite(store.folder() / other, one_bytes);
      const auto report = store.Verify();
      ASSERT_FALSE(report) << one << " " << other;
      EXPECT_EQ(report.error().code, ErrorCode::kUnverified) << report.error().message;
      Overwrite(store.folder() / one, one_bytes);
      Overwrite(store.folder() / other, other_bytes);
    }
  }
  ASSERT_TRUE(store.Verify());
}

TEST(Verify, FindsEveryExtraFile) {
  const TestStore store;
  store.Fill(kSize);
  struct Extra {
    std::string name;
    std::string named;  // what the error names, when it is not the added file itself
  };
  for (const Extra& extra : std::vector<Extra>{
           {"notes.txt", ""},
           {".hidden", ""},
           {"checkpoint.old", ""},
           {"tile/entries/002", ""},
           {"tile/entries/000.partial", ""},
           {"tile/entries/001.partial", "tile/entries/001.p"},  // either of the two forms
           {"tile/entries/001", ""},
           {"tile/entries/001.p/43", ""},
           {"tile/0/001", ""},
           {"tile/0/000.p/1", ""},
           {"tile/1/000", ""},
           {"tile/2/000", ""},
           {"tile/2/000.p/1", ""},
           {"tile/0/x001/000", ""},
           {"tile/0/000.bak", ""},
           {"tile/0/003.partial", ""},
           {"tile/2/001.partial", ""},
           {"tile/9/000", "tile/9"}}) {
    const fs::path path = store.folder() / extra.name;
    fs::create_directories(path.parent_path());
    Overwrite(path, "x");
    ExpectUnverified(store, extra.named.empty() ? extra.name : extra.named, "added " + extra.name);
    fs::remove(path);
    std::error_code not_empty;
    fs::remove(path.parent_path(), not_empty);  // only when it was made for this file
  }
  fs::create_directory(store.folder() / "more");
  ExpectUnverified(store, "more", "a folder");
  fs::remove(store.folder() / "more");
  fs::rename(store.folder() / "tile/0/000", store.root() / "elsewhere");
  fs::create_symlink(store.root() / "elsewhere", store.folder() / "tile/0/000");
  ExpectUnverified(store, "tile/0/000", "a symbolic link");
}

TEST(Verify, RefusesTheCheckpointOfAnotherLog) {
  const TestStore store;
  store.Fill(kSize);
  const TestStore other;
  other.Fill(kSize);
  Overwrite(store.folder() / "checkpoint", other.Files()["checkpoint"]);
  ExpectUnverified(store, "checkpoint: not signed by test.example/log", "another key");

  // A copy on disk. NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
  const TestStore same_key(store);
  const auto writer = same_key.OpenWriter();
  for (std::uint64_t i = 0; i < kSize; ++i) ASSERT_TRUE(writer->Append(TestEntry(i + 1)));
  ASSERT_TRUE(writer->Close());
  Overwrite(store.folder() / "checkpoint", same_key.Files()["checkpoint"]);
  ExpectUnverified(store, "checkpoint: signs another root", "the same key, other entries");
}

TEST(Verify, RefusesARolledBackCheckpoint) {
  for (const std::uint64_t old_size : {0U, 1U, 40U, 256U, 299U}) {
    const TestStore store;
    store.Fill(old_size);
    const std::string old = store.Files()["checkpoint"];
    store.Fill(kSize);
    Overwrite(store.folder() / "checkpoint", old);
    ExpectUnverified(store, "tile/", fmt::format("rolled back to {}", old_size));
    const auto writer = LogWriter::Open(store.options());
    ASSERT_FALSE(writer) << "continued from " << old_size;
    EXPECT_EQ(writer.error().code, ErrorCode::kUnverified);
  }
}

TEST(Verify, RefusesACheckpointOfALongerLog) {
  const TestStore store;
  store.Fill(40);
  const auto short_files = store.Files();
  store.Fill(kSize);
  const std::string longer = store.Files()["checkpoint"];
  fs::remove_all(store.folder());
  for (const auto& [name, bytes] : short_files) {
    fs::create_directories((store.folder() / name).parent_path());
    Overwrite(store.folder() / name, bytes);
  }
  ASSERT_TRUE(store.Verify());
  Overwrite(store.folder() / "checkpoint", longer);
  ExpectUnverified(store, "tile/0/001.p/44: missing", "longer checkpoint");
}

TEST(Verify, TellsAMissingLogFromAMissingCheckpoint) {
  const TestStore store;
  store.Fill(2);
  const auto nowhere = VerifyLog({.folder = store.root() / "nowhere",
                                  .public_key = store.verifier_key(),
                                  .progress = {},
                                  .visit = {}});
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, ErrorCode::kNotFound);
  fs::remove_all(store.folder() / "tile");
  fs::remove(store.folder() / "checkpoint");
  ExpectUnverified(store, "checkpoint: missing", "an empty folder");
}

TEST(Verify, ProvesALogBesideItsLiveWriter) {
  const TestStore store(ScratchFolder::MemoryFolder());
  store.Fill(1);
  std::atomic<bool> done = false;
  std::thread verifying([&] {
    while (!done) {
      const auto report = store.Verify();
      ASSERT_TRUE(report) << report.error().message;
    }
  });
  // Reopening, completing tiles and closing rename the files under the verifier.
  for (std::uint64_t size = 2; size < 3000; size += 29) store.Fill(size);
  done = true;
  verifying.join();
}

/// A log whose writer lives: 300 entries under the checkpoint, `behind` more that are not.
std::unique_ptr<LogWriter> WriteUnclosed(const TestStore& store, std::uint64_t behind) {
  auto writer = store.OpenWriter();
  for (std::uint64_t i = 0; i < kSize; ++i) EXPECT_TRUE(writer->Append(TestEntry(i)));
  EXPECT_TRUE(writer->Checkpoint());
  // Large entries, so that they are written out without a checkpoint.
  const std::vector<std::byte> large(60'000, std::byte{1});
  for (std::uint64_t i = 0; i < behind; ++i) EXPECT_TRUE(writer->Append(large));
  return writer;
}

TEST(Verify, FindsEveryFlippedByteOfAnUnclosedLogUpToItsCheckpoint) {
  const TestStore store;
  const auto writer = WriteUnclosed(store, 0);
  const auto report = store.Verify();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_FALSE(report->closed);
  EXPECT_EQ(report->tail_bytes, 0U);
  for (const auto& [name, bytes] : store.Files()) {
    for (std::size_t i = 0; i < bytes.size(); i += 5) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(changed[i] ^ 0x10);
      Overwrite(store.folder() / name, changed);
      ExpectUnverified(store, name, fmt::format("{} byte {}", name, i));
    }
    Overwrite(store.folder() / name, bytes);
  }
}

TEST(Verify, ReportsBytesBehindTheCheckpointAndProvesTheRest) {
  const TestStore store;
  const auto writer = WriteUnclosed(store, 250);
  const auto report = store.Verify();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->checkpoint.size, kSize);
  // At least the bundle that 212 of them fill, and its hashes.
  EXPECT_GT(report->tail_bytes, 212U * 60'002);
  EXPECT_FALSE(report->closed);
  EXPECT_EQ(store.ReadAll(), kSize);
}

}  // namespace
}  // namespace spoor::evidence
