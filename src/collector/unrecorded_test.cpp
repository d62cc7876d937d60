// SPDX-License-Identifier: Apache-2.0
#include "collector/unrecorded.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace spoor::collector {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr std::int64_t kWallMinusBootNs = 1'000'000;

/// By a wall clock that runs with the boot clock.
Coverage Of(std::string recording, std::uint64_t from_boot_ns, std::uint64_t until_boot_ns,
            std::string boot_id = "first", std::int64_t wall_minus_boot_ns = kWallMinusBootNs) {
  return {.host = "web",
          .kind = "machine",
          .boot_id = std::move(boot_id),
          .from_boot_ns = from_boot_ns,
          .until_boot_ns = until_boot_ns,
          .from_wall_ns = wall_minus_boot_ns + static_cast<std::int64_t>(from_boot_ns),
          .until_wall_ns = wall_minus_boot_ns + static_cast<std::int64_t>(until_boot_ns),
          .recording = std::move(recording),
          .sensor = {},
          .closed = true,
          .reason = "signal SIGTERM"};
}

TEST(Unrecorded, IsBetweenTheEndOfOneRecordingAndTheBeginOfTheNext) {
  const auto found = FindUnrecorded({Of("b", 300, 400), Of("a", 100, 200), Of("c", 700, 800)});
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_EQ(found[0].before.recording, "a");
  EXPECT_EQ(found[0].after.recording, "b");
  EXPECT_EQ(found[0].before.until_wall_ns, kWallMinusBootNs + 200);
  EXPECT_EQ(found[0].after.from_wall_ns, kWallMinusBootNs + 300);
  EXPECT_EQ(found[0].length_ns(), 100);
  EXPECT_FALSE(found[0].rebooted());
  EXPECT_EQ(found[1].before.recording, "b");
  EXPECT_EQ(found[1].length_ns(), 300);
}

TEST(Unrecorded, NothingIsBeforeTheFirstOrBehindTheLast) {
  EXPECT_THAT(FindUnrecorded({}), IsEmpty());
  EXPECT_THAT(FindUnrecorded({Of("a", 100, 200)}), IsEmpty());
}

TEST(Unrecorded, AnyOtherRecordingOfTheHostClosesIt) {
  EXPECT_THAT(FindUnrecorded({Of("a", 100, 200), Of("b", 300, 400), Of("other", 200, 300)}),
              IsEmpty());
  // A long one over several short ones, the last of which it outlives.
  const auto found = FindUnrecorded(
      {Of("long", 100, 900), Of("b", 200, 300), Of("c", 400, 500), Of("d", 950, 990)});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].before.recording, "long");
  EXPECT_EQ(found[0].after.recording, "d");
}

TEST(Unrecorded, AnotherHostOrKindOfScopeClosesNothing) {
  Coverage other_host = Of("other", 100, 500);
  other_host.host = "db";
  Coverage other_kind = Of("container", 100, 500);
  other_kind.kind = "cgroup";
  EXPECT_THAT(FindUnrecorded({Of("a", 100, 200), other_host, other_kind, Of("b", 300, 400)}),
              SizeIs(1));
}

TEST(Unrecorded, WithinABootTheWallClockDecidesNothing) {
  // It was set back by more than all of this in between.
  const auto found = FindUnrecorded({Of("a", 100, 200), Of("b", 300, 400, "first", -5000)});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].before.recording, "a");
  EXPECT_EQ(found[0].length_ns(), 100);
}

TEST(Unrecorded, OverARebootTheWallClockSaysHowLong) {
  const auto found =
      FindUnrecorded({Of("b", 5, 50, "second", kWallMinusBootNs + 1000), Of("a", 100, 200),
                      Of("c", 60, 70, "second", kWallMinusBootNs + 1000)});
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_TRUE(found[0].rebooted());
  EXPECT_EQ(found[0].before.recording, "a");
  EXPECT_EQ(found[0].after.recording, "b");
  EXPECT_EQ(found[0].length_ns(), 805);
  EXPECT_FALSE(found[1].rebooted());
}

TEST(Unrecorded, AClockThatWasSetBackOverARebootHidesNothing) {
  // The new boot begins, by its clock, while the old one was recorded.
  const auto found =
      FindUnrecorded({Of("a", 100, 200), Of("b", 5, 50, "second", kWallMinusBootNs + 120)});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].before.recording, "a");
  EXPECT_LT(found[0].length_ns(), 0);
}

TEST(Unrecorded, ClocksThatCannotBeAreNoOverflow) {
  Coverage first = Of("a", 0, std::numeric_limits<std::uint64_t>::max());
  first.from_wall_ns = first.until_wall_ns = std::numeric_limits<std::int64_t>::min();
  Coverage second = Of("b", 0, 1, "second");
  second.from_wall_ns = std::numeric_limits<std::int64_t>::max();
  const auto found = FindUnrecorded({first, second, Of("c", 10, 5), Of("d", 7, 1)});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_LT(found[0].length_ns(), 0);
}

}  // namespace
}  // namespace spoor::collector
