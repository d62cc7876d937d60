// SPDX-License-Identifier: Apache-2.0
#include "analysis/resident_ingest.hpp"

#include <gmock/gmock.h>

#include "analysis/rebuild.hpp"
#include "base/scratch_folder.hpp"
#include "ingest/random_recording_for_tests.hpp"

namespace spoor::analysis {
namespace {

using ingest::AllRows;
using testing::ElementsAreArray;

class ResidentIngestTest : public testing::Test {
 protected:
  ResidentIngestTest() {
    auto log =
        evidence::LogWriter::Open({.folder = store_.evidence(), .key_file = store_.private_key()});
    SPOOR_CHECK(log) << log.error().message;
    log_ = *std::move(log);
    recording_ = std::make_unique<ingest::RandomRecording>(*log_, 11);
  }
  void Grow() {
    for (int i = 0; i < 5; ++i) recording_->AddBatch();
    ASSERT_TRUE(log_->Checkpoint());
  }
  std::unique_ptr<ResidentIngest> Start() {
    return ResidentIngest::Start(
        {.store = store_, .tell = [](const std::string& sentence) { ADD_FAILURE() << sentence; }});
  }
  /// Nobody but the resident ingests here.
  void WaitUntilShown() {
    for (;;) {
      const auto left = ingest::NotIngested(store_);
      ASSERT_TRUE(left) << left.error().message;
      if (left->begin == left->end) return;
      std::this_thread::yield();
    }
  }

  ScratchFolder scratch_;
  StoreLayout store_{scratch_.path() / "store"};
  std::unique_ptr<evidence::LogWriter> log_;
  std::unique_ptr<ingest::RandomRecording> recording_;
};

TEST_F(ResidentIngestTest, BringsInWhatArrivesAsARebuildDoes) {
  const auto resident = Start();
  for (int i = 0; i < 4; ++i) {
    Grow();
    WaitUntilShown();
    EXPECT_TRUE(ingest::HasResident(store_));
  }
  resident->Stop();
  EXPECT_FALSE(ingest::HasResident(store_)) << "its sign ends with its work";
  const std::vector<std::string> rows = AllRows(store_);
  ASSERT_TRUE(Rebuild(store_, {}));
  EXPECT_THAT(rows, ElementsAreArray(AllRows(store_)));
}

TEST_F(ResidentIngestTest, LeavesTheWorkToTheOneThatIsResidentUntilThatEnds) {
  auto sign = ingest::BecomeResident(store_);
  ASSERT_TRUE(sign);
  const auto resident = Start();
  Grow();
  EXPECT_TRUE(ingest::AwaitResident(store_, std::chrono::milliseconds(100)).error().code ==
              ErrorCode::kUnavailable)
      << "nobody ingested";
  sign = Fail(ErrorCode::kUnavailable, "let go");
  Grow();
  WaitUntilShown();
}

}  // namespace
}  // namespace spoor::analysis
