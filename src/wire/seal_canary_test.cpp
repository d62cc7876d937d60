// SPDX-License-Identifier: Apache-2.0
#include "wire/seal_canary.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace spoor::wire {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;

TEST(CanarySchedule, IsTheSameForWhoeverHasTheFirstKeyAndAnotherForEveryOtherKey) {
  const FrameKey key = FrameKey::Random();
  CanarySchedule sensor(key, 5 * kSecondNs, 20 * kSecondNs);
  CanarySchedule collector(key, 5 * kSecondNs, 20 * kSecondNs);
  CanarySchedule guess(FrameKey::Random(), 5 * kSecondNs, 20 * kSecondNs);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(sensor.next().number, i);
    EXPECT_EQ(sensor.next().token, collector.next().token);
    EXPECT_EQ(sensor.next().due_boot_ns, collector.next().due_boot_ns);
    EXPECT_NE(sensor.next().token, guess.next().token);
    sensor.Advance();
    collector.Advance();
    guess.Advance();
  }
}

TEST(CanarySchedule, ComesOnceAnIntervalAtTimesThatNobodyCanTell) {
  CanarySchedule schedule(FrameKey::Random(), 0, kSecondNs);
  std::set<std::string> tokens;
  std::set<std::uint64_t> gaps_ms;
  std::uint64_t last = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t gap = schedule.next().due_boot_ns - last;
    EXPECT_GE(gap, kSecondNs / 2);
    EXPECT_LT(gap, kSecondNs * 3 / 2);
    gaps_ms.insert(gap / 1'000'000);
    last = schedule.next().due_boot_ns;
    EXPECT_EQ(schedule.next().token.size(), kCanaryTokenBytes);
    tokens.insert(schedule.next().token);
    schedule.Advance();
  }
  EXPECT_EQ(tokens.size(), 1000U);
  EXPECT_GT(gaps_ms.size(), 500U);
}

// Worked out with another program: tools/verify_seals.py and others rely on it.
TEST(CanarySchedule, IsWhatTheFormatSays) {
  std::array<std::uint8_t, 32> bytes{};
  bytes[0] = 1;
  CanarySchedule schedule(FrameKey(bytes), 1000, kSecondNs);
  schedule.Advance();
  EXPECT_EQ(schedule.next().token, "8e6317a21c65d259047c18e9a353fa15");
  EXPECT_EQ(schedule.next().due_boot_ns, 2282903975U);
}

}  // namespace
}  // namespace spoor::wire
