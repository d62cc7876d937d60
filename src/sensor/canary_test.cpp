// SPDX-License-Identifier: Apache-2.0
// That they are recorded, and missed when they are not: tests/end_to_end/watch_test.py.
#include "sensor/canary.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cerrno>

namespace spoor::sensor {
namespace {

bool HasChild() {
  return waitid(P_ALL, 0, nullptr, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

TEST(CanaryMaker, MakesAProcessWhenOneIsDueAndLeavesNone) {
  constexpr std::uint64_t kSecondNs = 1'000'000'000;
  wire::CanarySchedule schedule(wire::FrameKey::Random(), 0, kSecondNs);
  const std::uint64_t due_boot_ns = schedule.next().due_boot_ns;
  {
    CanaryMaker maker(std::move(schedule),
                      {{.kind = Scope::Kind::kMachine, .host = "web", .cgroup_path = {}}});
    maker.MakeDue(due_boot_ns - 1);
    EXPECT_FALSE(HasChild());
    maker.MakeDue(due_boot_ns);
    EXPECT_TRUE(HasChild());
  }
  EXPECT_FALSE(HasChild());
}

TEST(CanaryMaker, HasNoDoorIntoTheTreeOfACommand) {
  EXPECT_FALSE(TakesCanaries({.kind = Scope::Kind::kTree, .host = "web", .cgroup_path = {}}));
}

}  // namespace
}  // namespace spoor::sensor
