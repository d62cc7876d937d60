// SPDX-License-Identifier: Apache-2.0
#include "api/machine.hpp"

#include <gtest/gtest.h>

namespace spoor::api {
namespace {

TEST(Machine, ReadsMemoryAsLinuxTellsIt) {
  EXPECT_EQ(MeminfoBytes("MemTotal:   100 kB\nMemFree:  7 kB\n", "MemFree"), 7 * 1024);
  EXPECT_EQ(MeminfoBytes("MemTotal:   100 kB\n", "Shmem"), 0);
}

TEST(Machine, ReadsMountPointsWithBlanks) {
  EXPECT_EQ(MountField("/mnt/a\\040b\\011"), "/mnt/a b\t");
  EXPECT_EQ(MountField("/mnt/a\\04"), "/mnt/a\\04");
}

TEST(Machine, TellsWhichFileSystemHoldsTheStore) {
  const Json machine = MachineJson("/");
  EXPECT_GT(machine["memory"]["total_bytes"].get<std::int64_t>(), 0);
  EXPECT_EQ(machine["load"].size(), 3u);
  bool held = false;
  for (const Json& each : machine["file_systems"]) held |= each["holds_store"].get<bool>();
  EXPECT_TRUE(held);
}

}  // namespace
}  // namespace spoor::api
