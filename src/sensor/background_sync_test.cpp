// SPDX-License-Identifier: Apache-2.0
#include "sensor/background_sync.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <semaphore>

namespace spoor::sensor {
namespace {

TEST(BackgroundSync, DoesNotMakeWhoAsksWaitAndAsksOnceMoreForAllThatCameMeanwhile) {
  std::atomic<int> begun_count = 0;
  std::counting_semaphore<> begun(0);
  std::counting_semaphore<> go_on(0);
  BackgroundSync sync([&]() -> Result<> {
    ++begun_count;
    begun.release();
    go_on.acquire();
    return {};
  });
  ASSERT_TRUE(sync.Ask());
  begun.acquire();  // and it hangs
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(sync.Ask());
  go_on.release(2);
  EXPECT_TRUE(sync.Finish());
  EXPECT_EQ(begun_count, 2);
}

TEST(BackgroundSync, DoesWhatWasAskedForBeforeItEnds) {
  int count = 0;
  {
    BackgroundSync sync([&]() -> Result<> {
      ++count;
      return {};
    });
    ASSERT_TRUE(sync.Ask());
  }
  EXPECT_EQ(count, 1);
}

TEST(BackgroundSync, TellsAFailureToWhoAsksNextAndAtTheEnd) {
  std::binary_semaphore failed(0);
  int count = 0;
  BackgroundSync sync([&]() -> Result<> {
    ++count;
    failed.release();
    return Fail(ErrorCode::kIo, "the disk is gone");
  });
  static_cast<void>(sync.Ask());
  failed.acquire();
  EXPECT_EQ(sync.Finish().error().code, ErrorCode::kIo);
  EXPECT_EQ(sync.Ask().error().message, "the disk is gone");
  EXPECT_EQ(count, 1);
}

}  // namespace
}  // namespace spoor::sensor
