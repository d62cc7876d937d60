// SPDX-License-Identifier: Apache-2.0
// Who reads is not disturbed by who ingests, however long the one takes and however often the other
// publishes; and what nobody reads any more goes.
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <set>

#include "base/scratch_folder.hpp"
#include "ingest/random_recording_for_tests.hpp"
#include "store/held_catalog.hpp"

namespace spoor::ingest {
namespace {

using testing::ElementsAreArray;
using testing::IsEmpty;
using testing::Not;

class HeldReaders : public testing::Test {
 protected:
  HeldReaders() {
    auto log = evidence::LogWriter::Open(
        {.folder = layout_.evidence(), .key_file = layout_.private_key()});
    SPOOR_CHECK(log) << log.error().message;
    log_ = *std::move(log);
    recording_ = std::make_unique<RandomRecording>(*log_, 7);
  }

  void GrowAndCatchUp(int times) {
    for (int i = 0; i < times; ++i) {
      for (int batch = 0; batch < 3; ++batch) recording_->AddBatch();
      ASSERT_TRUE(log_->Checkpoint());
      const auto summary = CatchUp(layout_, SmallOptions(), {});
      ASSERT_TRUE(summary) << summary.error().message;
    }
  }
  std::unique_ptr<store::Store> Open() {
    auto store = store::OpenStore(layout_.root.string());
    SPOOR_CHECK(store) << store.error().message;
    return *std::move(store);
  }
  std::set<std::string> NamedNow() {
    const auto catalog = store::LoadCatalog(layout_);
    SPOOR_CHECK(catalog);
    std::set<std::string> named;
    for (const store::Segment& segment : catalog->segments) named.insert(segment.file);
    return named;
  }
  std::set<std::string> LyingThere() {
    std::set<std::string> files;
    for (const auto& file : std::filesystem::recursive_directory_iterator(layout_.segments())) {
      if (!file.is_regular_file()) continue;
      files.insert(file.path().lexically_relative(layout_.segments()).string());
    }
    return files;
  }
  /// Of `files`, those that are there.
  std::vector<std::string> Left(const std::set<std::string>& files) {
    std::vector<std::string> left;
    std::ranges::set_intersection(files, LyingThere(), std::back_inserter(left));
    return left;
  }
  std::size_t KeptCatalogCount() {
    std::size_t count = 0;
    for (const auto& file : std::filesystem::directory_iterator(layout_.ingest_state())) {
      count += file.path().extension() == ".json" ? 1 : 0;
    }
    return count;
  }

  ScratchFolder scratch_;
  StoreLayout layout_{scratch_.path() / "store"};
  std::unique_ptr<evidence::LogWriter> log_;
  std::unique_ptr<RandomRecording> recording_;
};

TEST_F(HeldReaders, AnswerFromWhatTheyOpenedThroughManyCatchUps) {
  GrowAndCatchUp(2);
  const std::set<std::string> named = NamedNow();
  const std::unique_ptr<store::Store> store = Open();
  GrowAndCatchUp(1);
  const std::unique_ptr<store::Store> later = Open();
  const std::vector<std::string> rows = AllRows(*store);
  GrowAndCatchUp(3);
  EXPECT_THAT(Left(named), ElementsAreArray(named));
  EXPECT_THAT(AllRows(*store), ElementsAreArray(rows));
  EXPECT_GT(AllRows(*later).size(), rows.size());
  EXPECT_GT(AllRows(*Open()).size(), AllRows(*later).size());
}

TEST_F(HeldReaders, LeaveNothingBehindWhenTheyEnd) {
  GrowAndCatchUp(2);
  {
    const std::unique_ptr<store::Store> store = Open();
    GrowAndCatchUp(3);
    EXPECT_GT(KeptCatalogCount(), 1);
  }
  GrowAndCatchUp(2);
  // The catalog before this one may have readers that look at no lock.
  EXPECT_EQ(KeptCatalogCount(), 1);
  const auto catalog = store::LoadCatalog(layout_);
  std::set<std::string> wanted = NamedNow();
  wanted.insert(catalog->retired.begin(), catalog->retired.end());
  EXPECT_THAT(LyingThere(), ElementsAreArray(wanted));
}

TEST_F(HeldReaders, HoldNothingOnceTheyAreKilled) {
  GrowAndCatchUp(2);
  const std::set<std::string> named = NamedNow();
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto held = store::HoldCatalog(layout_);
    (void)!::write(ready[1], held ? "y" : "n", 1);
    for (;;) ::pause();
  }
  char answer = 0;
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  ASSERT_EQ(answer, 'y');
  GrowAndCatchUp(3);
  EXPECT_THAT(Left(named), ElementsAreArray(named));
  ::kill(child, SIGKILL);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  GrowAndCatchUp(1);
  std::set<std::string> gone = named;
  for (const std::string& file : NamedNow()) gone.erase(file);
  EXPECT_THAT(gone, Not(IsEmpty()));
  EXPECT_THAT(Left(gone), IsEmpty());
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_F(HeldReaders, KeepTheirRowsWhileTheTablesAreMadeAgain) {
  GrowAndCatchUp(2);
  const std::set<std::string> named = NamedNow();
  const std::unique_ptr<store::Store> store = Open();
  GrowAndCatchUp(2);
  ASSERT_TRUE(Rebuild(layout_, SmallOptions(), {}));
  ASSERT_TRUE(Rebuild(layout_, SmallOptions(), {}));
  GrowAndCatchUp(2);
  EXPECT_THAT(Left(named), ElementsAreArray(named));
  EXPECT_THAT(AllRows(*store), Not(IsEmpty()));
}

TEST_F(HeldReaders, WriteNothingIntoTheStore) {
  GrowAndCatchUp(2);
  const auto before = std::filesystem::last_write_time(layout_.root);
  const auto states_before = std::filesystem::last_write_time(layout_.ingest_state());
  EXPECT_THAT(AllRows(*Open()), Not(IsEmpty()));
  EXPECT_EQ(std::filesystem::last_write_time(layout_.root), before);
  EXPECT_EQ(std::filesystem::last_write_time(layout_.ingest_state()), states_before);
}

}  // namespace
}  // namespace spoor::ingest
