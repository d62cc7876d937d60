// SPDX-License-Identifier: Apache-2.0
#include "event/community_id.hpp"

#include <gtest/gtest.h>

namespace spoor::event {
namespace {

// The expected values are those of the baseline of the Community ID specification.
TEST(CommunityId, IsTheOneOfTheSpecification) {
  EXPECT_EQ(CommunityId(6, "128.232.110.120", 34855, "66.35.250.204", 80),
            "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
  EXPECT_EQ(CommunityId(17, "192.168.1.52", 54585, "8.8.8.8", 53),
            "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
  EXPECT_EQ(CommunityId(132, "192.168.170.8", 7, "192.168.170.56", 7),
            "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs=");
  EXPECT_EQ(
      CommunityId(6, "2001:470:e5bf:dead:4957:2174:e82c:4887", 63943, "2607:f8b0:400c:c03::1a", 25),
      "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=");
}

TEST(CommunityId, OfIcmpTakesTypesAndCodesAsPorts) {
  EXPECT_EQ(CommunityId(1, "192.168.0.89", 8, "192.168.0.1", 0), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
  EXPECT_EQ(CommunityId(1, "192.168.0.1", 0, "192.168.0.89", 8), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
  EXPECT_EQ(CommunityId(1, "10.0.0.1", 11, "10.0.0.2", 0), "1:YHxtAirCG//0OzkcVAukqKQN9xM=");
  EXPECT_EQ(CommunityId(58, "fe80::200:86ff:fe05:80da", 135, "fe80::260:97ff:fe07:69ea", 0),
            "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=");
  EXPECT_EQ(
      CommunityId(58, "3ffe:501:410:0:2c0:dfff:fe47:33e", 1, "3ffe:507:0:1:200:86ff:fe05:80da", 4),
      "1:hLZd0XGWojozrvxqE0dWB1iM6R0=");
  EXPECT_EQ(CommunityId(58, "fe80::260:97ff:fe07:69ea", 134, "ff02::1", 134),
            "1:pkvHqCL88/tg1k4cPigmZXUtL00=");
}

TEST(CommunityId, OfAProtocolWithoutPortsIsMadeOfTheAddresses) {
  EXPECT_EQ(CommunityId(46, "10.1.12.1", std::nullopt, "10.1.12.2", std::nullopt),
            "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw=");
  EXPECT_EQ(CommunityId(46, "10.1.12.2", 5, "10.1.12.1", 6), "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw=");
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
  EXPECT_EQ(CommunityId(1, "10.0.0.1", std::nullopt, "10.0.0.2", std::nullopt), "");
  EXPECT_EQ(CommunityId(6, "10.0.0.1", 1, "10.0.0.2", std::nullopt), "");
  EXPECT_EQ(CommunityId(6, "10.0.0.1", 1, "::2", 2), "");
  EXPECT_EQ(CommunityId(6, "", 1, "x", 2), "");
  EXPECT_EQ(CommunityId(0, "10.0.0.1", 1, "10.0.0.2", 2), "");
  EXPECT_EQ(CommunityId(0x106, "10.0.0.1", 1, "10.0.0.2", 2), "");
}

}  // namespace
}  // namespace spoor::event
