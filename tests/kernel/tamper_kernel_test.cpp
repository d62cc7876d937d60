// SPDX-License-Identifier: Apache-2.0
// What root on the recorded machine may try on the kernel half itself.
#include <bpf/bpf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>

#include "sensor/bpf/syscall_numbers.h"
#include "tests/kernel/recording.hpp"

namespace spoor::sensor {
namespace {

using ::testing::SizeIs;

bool IsMap(int fd) {
  std::ifstream fdinfo(fmt::format("/proc/self/fdinfo/{}", fd));
  for (std::string line; std::getline(fdinfo, line);) {
    if (line.starts_with("map_id:")) return true;
  }
  return false;
}

/// This recording's map of this name, opened as anybody with CAP_BPF can; -1 if there is none.
/// Looked for among our own descriptors: other recorders of the machine have maps of the same name.
int FindMap(const std::string& name) {
  constexpr int kDescriptorsMax = 1024;
  for (int fd = 0; fd < kDescriptorsMax; ++fd) {
    bpf_map_info info{};
    std::uint32_t size_bytes = sizeof(info);
    const bool is_map = IsMap(fd) && bpf_obj_get_info_by_fd(fd, &info, &size_bytes) == 0;
    if (is_map && name == info.name) return bpf_map_get_fd_by_id(info.id);
  }
  return -1;
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
