// SPDX-License-Identifier: Apache-2.0
#include "collector/quota.hpp"

#include <gtest/gtest.h>

namespace spoor::collector {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::int64_t kHourNs = 3600 * kSecondNs;
constexpr std::int64_t kNow = 1'000'000 * kHourNs;
constexpr std::uint64_t kQuota = 24 << 20;

TEST(Quota, IsUsedUpAndFillsUpAgainInADay) {
  Quota quota(kQuota);
  EXPECT_EQ(quota.WaitNs("web-1", kNow), 0);
  quota.Charge("web-1", kQuota - 1, kNow);
  EXPECT_EQ(quota.WaitNs("web-1", kNow), 0) << "one byte is left";
  quota.Charge("web-1", (1 << 20) + 1, kNow);
  EXPECT_NEAR(static_cast<double>(quota.WaitNs("web-1", kNow)), static_cast<double>(kHourNs), 1e4)
      << "it took a twenty-fourth more than there was";
  EXPECT_GT(quota.WaitNs("web-1", kNow + kHourNs - kSecondNs), 0);
  EXPECT_EQ(quota.WaitNs("web-1", kNow + kHourNs + kSecondNs), 0);
  EXPECT_EQ(quota.WaitNs("db-1", kNow), 0) << "each sensor has its own";
  // A day later it is as if nothing had been.
  quota.Charge("web-1", kQuota - 1, kNow + 26 * kHourNs);
  EXPECT_EQ(quota.WaitNs("web-1", kNow + 26 * kHourNs), 0);
}

TEST(Quota, OfNothingIsNone) {
  Quota quota(0);
  quota.Charge("web-1", 1ULL << 60, kNow);
  EXPECT_EQ(quota.WaitNs("web-1", kNow), 0);
}

TEST(Quota, AClockThatIsPutBackShutsNobodyOutForLongerThanADay) {
  Quota quota(kQuota);
  quota.Charge("web-1", kQuota + 1, kNow);
  const std::int64_t earlier = kNow - 365LL * 24 * kHourNs;
  EXPECT_LT(quota.WaitNs("web-1", earlier), 24 * kHourNs);
  EXPECT_EQ(quota.WaitNs("web-1", earlier + 24 * kHourNs), 0);
}

}  // namespace
}  // namespace spoor::collector
