// SPDX-License-Identifier: Apache-2.0
#include "api/kept_answers.hpp"

#include <gtest/gtest.h>

namespace spoor::api {
namespace {

http::Answer Body(std::size_t bytes) {
  return {.body = std::string(bytes, 'x')};
}

TEST(KeptAnswers, GivesBackWhatWasKeptUnderTheSameQuestion) {
  KeptAnswers kept;
  EXPECT_FALSE(kept.Find("/flows?limit=1"));
  kept.Keep("/flows?limit=1", Body(7));
  ASSERT_TRUE(kept.Find("/flows?limit=1"));
  EXPECT_EQ(kept.Find("/flows?limit=1")->body.size(), 7U);
  EXPECT_FALSE(kept.Find("/flows?limit=2"));
}

TEST(KeptAnswers, DropsWhatNobodyAskedForLongestWhenItIsFull) {
  KeptAnswers kept(1000);
  for (int i = 0; i < 8; ++i) kept.Keep("/" + std::to_string(i), Body(110));
  EXPECT_TRUE(kept.Find("/0"));
  kept.Keep("/8", Body(110));
  EXPECT_TRUE(kept.Find("/0"));
  EXPECT_FALSE(kept.Find("/1"));
  EXPECT_TRUE(kept.Find("/8"));
}

TEST(KeptAnswers, KeepsNoFailureAndNothingThatWouldFillIt) {
  KeptAnswers kept(1000);
  kept.Keep("/large", Body(500));
  http::Answer failed = Body(1);
  failed.status = 503;
  kept.Keep("/failed", failed);
  http::Answer streamed = Body(0);
  streamed.stream = [](const http::Sink&) { return true; };
  kept.Keep("/streamed", streamed);
  EXPECT_FALSE(kept.Find("/large"));
  EXPECT_FALSE(kept.Find("/failed"));
  EXPECT_FALSE(kept.Find("/streamed"));
}

}  // namespace
}  // namespace spoor::api
