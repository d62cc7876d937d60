// SPDX-License-Identifier: Apache-2.0
// What root on the recorded machine may try on the kernel half itself.
#include <bpf/bpf.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sensor/bpf/syscall_numbers.h"
#include "tests/kernel/recording.hpp"

namespace spoor::sensor {
namespace {

using ::testing::SizeIs;

/// The newest map of this name, as anybody with CAP_BPF finds it; -1 if there is none.
int FindMap(const std::string& name) {
  int newest = -1;
  for (std::uint32_t id = 0; bpf_map_get_next_id(id, &id) == 0;) {
    const int map = bpf_map_get_fd_by_id(id);
    if (map < 0) continue;
    bpf_map_info info{};
    std::uint32_t size_bytes = sizeof(info);
    const bool found = bpf_obj_get_info_by_fd(map, &info, &size_bytes) == 0 && name == info.name;
    if (found && newest >= 0) close(newest);
    if (found) newest = map;
    if (!found) close(map);
  }
  return newest;
}

TEST(Tamper, CannotTakeAHandlerAwayOrResetTheLossCounters) {
  START_RECORDING(recording, TreeOptions());
  const int handlers = FindMap("handlers");
  const int counts = FindMap("counts");
  ASSERT_GE(handlers, 0);
  ASSERT_GE(counts, 0);
  const std::uint32_t nr = NR_SETSID;
  EXPECT_NE(bpf_map_delete_elem(handlers, &nr), 0);
  EXPECT_EQ(errno, EPERM);
  const std::uint32_t zero = 0;
  std::vector<std::uint64_t> zeros(1 << 12);  // more than all CPUs' counters
  EXPECT_NE(bpf_map_update_elem(counts, &zero, zeros.data(), BPF_ANY), 0);
  EXPECT_EQ(errno, EPERM);
  close(handlers);
  close(counts);
  recording.Run([](Facts&) { TRIGGER_CHECK(setsid() > 0); });
  EXPECT_THAT(recording.Read(RECORD_SESSION), SizeIs(1));
}

}  // namespace
}  // namespace spoor::sensor
