// SPDX-License-Identifier: Apache-2.0
// Whoever asks, and however often: the tables come out as if all had been ingested in one go.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <random>
#include <set>

#include "base/file.hpp"
#include "base/scratch_folder.hpp"
#include "evidence/log.hpp"
#include "evidence/named_key.hpp"
#include "ingest/catch_up.hpp"
#include "ingest/derivation_check.hpp"
#include "ingest/random_recording_for_tests.hpp"
#include "store/catalog.hpp"
#include "store/catalog_check.hpp"

namespace spoor::ingest {
namespace {

using testing::IsEmpty;

/// The rows that only one of both has, those of `ours` first; empty: both are the same.
std::vector<std::string> Difference(const std::vector<std::string>& ours,
                                    const std::vector<std::string>& theirs) {
  std::multiset<std::string> left(ours.begin(), ours.end()), right(theirs.begin(), theirs.end());
  std::vector<std::string> difference;
  std::ranges::set_difference(left, right, std::back_inserter(difference));
  for (std::string& row : difference) row = "ours   " + row;
  const auto count = static_cast<std::ptrdiff_t>(difference.size());
  std::ranges::set_difference(right, left, std::back_inserter(difference));
  for (auto row = difference.begin() + count; row != difference.end(); ++row)
    *row = "theirs " + *row;
  return difference;
}

class Pause : public testing::TestWithParam<std::uint32_t> {
 protected:
  void MustCatchUp(const StoreLayout& layout) {
    const auto summary = CatchUp(layout, SmallOptions(), {});
    ASSERT_TRUE(summary) << summary.error().message;
  }
  /// All that there is, a few entries at a time.
  void CatchUpInParts(const StoreLayout& layout, std::uint64_t bytes) {
    CatchUpOptions options = SmallOptions();
    options.enough = [bytes](std::uint64_t read_bytes) { return read_bytes >= bytes; };
    for (bool more = true; more;) {
      const auto summary = CatchUp(layout, options, {});
      ASSERT_TRUE(summary) << summary.error().message;
      more = summary->more;
    }
  }
  /// A catch-up in another process, which is killed when it has made `file_count` files.
  void CatchUpAndBeKilled(std::size_t file_count) {
    const std::size_t before = FileCount(layout_.root);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      (void)CatchUp(layout_, SmallOptions(), {});
      ::_exit(0);
    }
    int status = 0;
    while (::waitpid(child, &status, WNOHANG) == 0) {
      if (FileCount(layout_.root) >= before + file_count) ::kill(child, SIGKILL);
      ::sched_yield();
    }
  }
  static std::size_t FileCount(const std::filesystem::path& folder) {
    std::size_t count = 0;
    std::error_code error;
    std::filesystem::recursive_directory_iterator file(folder, error);
    for (; !error && file != std::filesystem::recursive_directory_iterator();
         file.increment(error)) {
      std::error_code gone;
      count += file->is_regular_file(gone) ? 1 : 0;
    }
    return count;
  }
  /// As `spoor verify` sees it.
  void MustBeAsDerived() {
    const ScratchFolder scratch;
    const auto key = evidence::ReadPublicKey(layout_);
    ASSERT_TRUE(key);
    const auto report = CheckDerivation(layout_, *key, SmallOptions(), scratch.path(), {});
    ASSERT_TRUE(report) << report.error().message;
  }
  static std::vector<std::string> StateDigests(const StoreLayout& layout) {
    std::vector<std::string> digests;
    const auto catalog = store::LoadCatalog(layout);
    if (!catalog) return {catalog.error().message};
    for (const store::IngestedRecording& recording : catalog->recordings) {
      digests.push_back(recording.state ? recording.state->sha256 : "none");
    }
    return digests;
  }
  /// A store with the same evidence, and nothing derived from it.
  StoreLayout Copy() {
    const StoreLayout copy{scratch_.path() / "copy"};
    std::filesystem::create_directories(copy.root);
    for (const char* part : {"evidence", "key"}) {
      std::filesystem::copy(layout_.root / part, copy.root / part,
                            std::filesystem::copy_options::recursive);
    }
    return copy;
  }

  ScratchFolder scratch_;
  StoreLayout layout_{scratch_.path() / "store"};
};

TEST_P(Pause, LeavesNoTraceInTheTables) {
  auto log =
      evidence::LogWriter::Open({.folder = layout_.evidence(), .key_file = layout_.private_key()});
  ASSERT_TRUE(log) << log.error().message;
  std::mt19937 random(GetParam());
  for (int number = 0; number < 2; ++number) {
    RandomRecording recording(**log, GetParam() + static_cast<std::uint32_t>(number) * 1000);
    for (int batch = 0; batch < 30; ++batch) {
      recording.AddBatch();
      if (random() % 4 != 0) continue;
      ASSERT_TRUE((*log)->Checkpoint());
      if (random() % 4 == 0) CatchUpAndBeKilled(1 + random() % 40);
      if (random() % 2 == 0) CatchUpInParts(layout_, random() % 4000);
      MustCatchUp(layout_);
      // A state that is damaged or gone costs time and nothing else.
      if (random() % 8 == 0) {
        for (const auto& file : std::filesystem::directory_iterator(layout_.ingest_state())) {
          if (!store::IsStateFileName(file.path().filename().string())) continue;
          std::filesystem::resize_file(file.path(), random() % 2 * 100);
        }
      }
      if (random() % 8 == 0) {
        const StoreLayout copy = Copy();
        {
          // A writer is there, as beside the store itself.
          const auto writer = FileLock::AcquireFolder(copy.evidence(), FileLock::Mode::kWait);
          ASSERT_TRUE(writer);
          MustCatchUp(copy);
        }
        ASSERT_THAT(Difference(AllRows(layout_), AllRows(copy)), IsEmpty())
            << "recording " << number << ", batch " << batch;
        EXPECT_EQ(StateDigests(layout_), StateDigests(copy));
        MustBeAsDerived();
        std::filesystem::remove_all(copy.root);
      }
    }
    if (number == 0 || random() % 2 == 0) recording.Close();
  }
  ASSERT_TRUE((*log)->Close());
  log->reset();
  MustCatchUp(layout_);
  const StoreLayout copy = Copy();
  MustCatchUp(copy);
  const std::vector<std::string> rows = AllRows(copy);
  EXPECT_GT(rows.size(), 1000);
  EXPECT_THAT(Difference(AllRows(layout_), rows), IsEmpty());
  MustBeAsDerived();
  for (const auto& file : std::filesystem::directory_iterator(layout_.ingest_state())) {
    EXPECT_FALSE(store::IsStateFileName(file.path().filename().string())) << file.path();
  }
}

// One seed where a sanitizer makes everything slow: every history pauses, is killed and damaged.
#ifdef SPOOR_SANITIZED
constexpr std::uint32_t kSeedsEnd = 2;
#else
constexpr std::uint32_t kSeedsEnd = 5;
#endif
INSTANTIATE_TEST_SUITE_P(Seeds, Pause, testing::Range(1U, kSeedsEnd));

}  // namespace
}  // namespace spoor::ingest
