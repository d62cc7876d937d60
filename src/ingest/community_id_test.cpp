// SPDX-License-Identifier: Apache-2.0
#include "ingest/community_id.hpp"

#include <gtest/gtest.h>

namespace spoor::ingest {
namespace {

// The expected values are those of the baseline of the Community ID specification.
TEST(CommunityId, IsTheOneOfTheSpecification) {
  EXPECT_EQ(CommunityId(6, "128.232.110.120", 34855, "66.35.250.204", 80),
            "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
  EXPECT_EQ(CommunityId(17, "192.168.1.52", 54585, "8.8.8.8", 53),
            "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
}

TEST(CommunityId, IsTheSameInBothDirections) {
  EXPECT_EQ(CommunityId(6, "10.0.0.1", 1, "10.0.0.2", 2),
            CommunityId(6, "10.0.0.2", 2, "10.0.0.1", 1));
  EXPECT_EQ(CommunityId(6, "10.0.0.1", 1, "10.0.0.1", 2),
            CommunityId(6, "10.0.0.1", 2, "10.0.0.1", 1));
  EXPECT_NE(CommunityId(6, "::1", 1, "::2", 2), CommunityId(17, "::1", 1, "::2", 2));
  EXPECT_FALSE(CommunityId(6, "::1", 1, "::2", 2).empty());
}

TEST(CommunityId, IsEmptyForWhatHasNone) {
  EXPECT_EQ(CommunityId(1, "10.0.0.1", 0, "10.0.0.2", 0), "");
  EXPECT_EQ(CommunityId(6, "10.0.0.1", 1, "::2", 2), "");
  EXPECT_EQ(CommunityId(6, "", 1, "x", 2), "");
}

}  // namespace
}  // namespace spoor::ingest
