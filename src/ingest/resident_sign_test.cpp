// SPDX-License-Identifier: Apache-2.0
// Who ingests in parts, is told to end, or leaves the work to somebody else.
#include <gmock/gmock.h>

#include "base/scratch_folder.hpp"
#include "ingest/random_recording_for_tests.hpp"
#include "store/catalog.hpp"

namespace spoor::ingest {
namespace {

using testing::HasSubstr;

class ResidentSign : public testing::Test {
 protected:
  ResidentSign() {
    auto log = evidence::LogWriter::Open(
        {.folder = layout_.evidence(), .key_file = layout_.private_key()});
    SPOOR_CHECK(log) << log.error().message;
    log_ = *std::move(log);
    recording_ = std::make_unique<RandomRecording>(*log_, 7);
    Grow(3);
  }
  void Grow(int batches) {
    for (int i = 0; i < batches; ++i) recording_->AddBatch();
    ASSERT_TRUE(log_->Checkpoint());
  }
  std::uint64_t Generation() {
    const auto catalog = store::LoadCatalog(layout_);
    return catalog ? catalog->generation : 0;
  }

  ScratchFolder scratch_;
  StoreLayout layout_{scratch_.path() / "store"};
  std::unique_ptr<evidence::LogWriter> log_;
  std::unique_ptr<RandomRecording> recording_;
};

TEST_F(ResidentSign, OneHasItAtATimeAndItEndsWithItsHolder) {
  EXPECT_FALSE(HasResident(layout_));
  {
    const auto sign = BecomeResident(layout_);
    ASSERT_TRUE(sign) << sign.error().message;
    EXPECT_TRUE(HasResident(layout_));
    EXPECT_EQ(BecomeResident(layout_).error().code, ErrorCode::kUnavailable);
  }
  EXPECT_FALSE(HasResident(layout_));
  EXPECT_TRUE(BecomeResident(layout_));
}

TEST_F(ResidentSign, KeepsNobodyFromIngesting) {
  const auto sign = BecomeResident(layout_);
  ASSERT_TRUE(CatchUp(layout_, SmallOptions(), {}));
  EXPECT_EQ(Generation(), 1);
}

TEST_F(ResidentSign, WhoWaitsForItWritesNothingAndSaysWhatItWaitedFor) {
  const auto sign = BecomeResident(layout_);
  const auto late = AwaitResident(layout_, std::chrono::milliseconds(1));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(late.error().message, HasSubstr("spoor serve"));
  EXPECT_EQ(Generation(), 0);
  ASSERT_TRUE(CatchUp(layout_, SmallOptions(), {}));
  EXPECT_TRUE(AwaitResident(layout_, std::chrono::milliseconds(1)));
}

TEST_F(ResidentSign, WhoWaitsForItStopsWhenItHasEnded) {
  const auto ended = AwaitResident(layout_, std::chrono::hours(1));
  ASSERT_FALSE(ended);
  EXPECT_THAT(ended.error().message, HasSubstr("ended"));
}

TEST_F(ResidentSign, APartIsPublishedAndTheNextGoesOnBehindIt) {
  CatchUpOptions options = SmallOptions();
  options.enough = [](std::uint64_t) { return true; };
  for (std::uint64_t entry = 1; entry <= 4; ++entry) {
    const auto summary = CatchUp(layout_, options, {});
    ASSERT_TRUE(summary) << summary.error().message;
    EXPECT_EQ(summary->entry_count, 1);
    EXPECT_EQ(summary->more, entry < 4);
    EXPECT_EQ(store::LoadCatalog(layout_)->next_entry, entry);
  }
}

TEST_F(ResidentSign, ACancelledCatchUpLeavesTheTablesAndNoFiles) {
  ASSERT_TRUE(CatchUp(layout_, SmallOptions(), {}));
  Grow(20);
  const auto files = [this] {
    const auto all = std::filesystem::recursive_directory_iterator(layout_.segments());
    return std::count_if(begin(all), end(all), [](const auto& file) {
      return file.is_regular_file();  // the folder of a table may be new
    });
  };
  const auto before = files();
  CatchUpOptions options = SmallOptions();
  int asked = 0;
  options.cancelled = [&asked] { return ++asked > 15; };
  EXPECT_EQ(CatchUp(layout_, options, {}).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(Generation(), 1);
  EXPECT_EQ(files(), before);
  const auto summary = CatchUp(layout_, SmallOptions(), {});
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->entry_count, 20);
}

}  // namespace
}  // namespace spoor::ingest
