// SPDX-License-Identifier: Apache-2.0
#include "sensor/urgent_pace.hpp"

#include <gtest/gtest.h>

namespace spoor::sensor {
namespace {

constexpr std::uint64_t kNsPerMs = 1'000'000;

TEST(UrgentPace, IsQuickAtFirstAndBoundedInAStorm) {
  UrgentPace pace;
  std::uint64_t now_boot_ns = 5'000 * kNsPerMs;
  for (int i = 0; i < UrgentPace::kAllowedAtOnce; ++i) {
    EXPECT_EQ(pace.IntervalMs(now_boot_ns), UrgentPace::kFirstIntervalMs) << i;
  }
  EXPECT_EQ(pace.IntervalMs(now_boot_ns), UrgentPace::kStormIntervalMs);
  // A second in which there is always something urgent.
  int count = 0;
  for (const std::uint64_t end = now_boot_ns + 1000 * kNsPerMs; now_boot_ns < end; ++count) {
    now_boot_ns += static_cast<std::uint64_t>(pace.IntervalMs(now_boot_ns)) * kNsPerMs;
  }
  EXPECT_LT(count, 200);
  EXPECT_GT(count, 100);
}

TEST(UrgentPace, IsQuickAgainAfterAQuietTime) {
  UrgentPace pace;
  while (pace.IntervalMs(kNsPerMs) == UrgentPace::kFirstIntervalMs) {
  }
  EXPECT_EQ(pace.IntervalMs(500 * kNsPerMs), UrgentPace::kFirstIntervalMs);
}

}  // namespace
}  // namespace spoor::sensor
