// SPDX-License-Identifier: Apache-2.0
// What root on the recorded machine may try on the kernel half itself.
#include <bpf/bpf.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/kernel/recording.hpp"
#include "wire/syscall_numbers.h"

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

/// This recording's maps, by what root reaches them by. Looked for among our own descriptors: other
/// recorders of the machine have maps of the same names.
std::vector<bpf_map_info> OwnMaps() {
  constexpr int kDescriptorsMax = 1024;
  std::vector<bpf_map_info> maps;
  for (int fd = 0; fd < kDescriptorsMax; ++fd) {
    bpf_map_info info{};
    std::uint32_t size_bytes = sizeof(info);
    if (IsMap(fd) && bpf_obj_get_info_by_fd(fd, &info, &size_bytes) == 0) maps.push_back(info);
  }
  return maps;
}

/// As CAP_BPF lets anybody: the first key's value replaced, and the key removed. 0, or EPERM where
/// both are refused.
int TryToChange(const bpf_map_info& info) {
  const int fd = bpf_map_get_fd_by_id(info.id);
  if (fd < 0) return 0;
  std::vector<std::uint64_t> value(1 << 14);  // more than all CPUs' values
  std::vector<std::uint64_t> key(info.key_size + 1);
  static_cast<void>(bpf_map_get_next_key(fd, nullptr, key.data()));
  const bool update_refused =
      bpf_map_update_elem(fd, key.data(), value.data(), BPF_ANY) != 0 && errno == EPERM;
  const bool delete_refused = bpf_map_delete_elem(fd, key.data()) != 0 && errno == EPERM;
  std::uint32_t count = 1;
  const bool batch_refused =
      bpf_map_update_batch(fd, key.data(), value.data(), &count, nullptr) != 0;
  const long page_bytes = sysconf(_SC_PAGESIZE);
  void* memory = mmap(nullptr, static_cast<std::size_t>(page_bytes), PROT_READ | PROT_WRITE,
                      MAP_SHARED, fd, 0);
  close(fd);
  return update_refused && delete_refused && batch_refused && memory == MAP_FAILED ? EPERM : 0;
}

TEST(Tamper, RootInsideTheTreeCannotChangeAnyMap) {
  START_RECORDING(recording, TreeOptions());
  const std::vector<bpf_map_info> maps = OwnMaps();
  EXPECT_GE(maps.size(), 7U);
  const pid_t pid = recording.Run([&](Facts& facts) {
    for (std::size_t i = 0; i < maps.size() && i < std::size(facts.number); ++i) {
      facts.number[i] = maps[i].type == BPF_MAP_TYPE_RINGBUF ? EPERM : TryToChange(maps[i]);
    }
    TRIGGER_CHECK(setsid() > 0);
  });
  for (std::size_t i = 0; i < maps.size(); ++i) {
    EXPECT_EQ(recording.facts().number[i], EPERM) << maps[i].name;
  }
  EXPECT_THAT(recording.Read(RECORD_SESSION, pid), SizeIs(1)) << "it is still recorded";
}

TEST(Tamper, RootInsideTheTreeCannotTakeItselfOut) {
  START_RECORDING(recording, TreeOptions());
  std::uint32_t trees = 0, tree_add = 0;
  for (const bpf_map_info& info : OwnMaps()) {
    if (std::string_view(info.name) == "trees") trees = info.id;
  }
  ASSERT_NE(trees, 0U);
  for (std::uint32_t id = 0; bpf_prog_get_next_id(id, &id) == 0;) {
    const int fd = bpf_prog_get_fd_by_id(id);
    bpf_prog_info info{};
    std::uint32_t size_bytes = sizeof(info);
    if (bpf_obj_get_info_by_fd(fd, &info, &size_bytes) == 0 &&
        std::string_view(info.name) == "tree_add") {
      tree_add = id;  // the newest is ours, or of another recorder: refused alike
    }
    close(fd);
  }
  const pid_t pid = recording.Run([=](Facts& facts) {
    const int map = bpf_map_get_fd_by_id(trees);
    const auto self = static_cast<std::uint32_t>(getpid());
    const std::int32_t none = -1;
    facts.number[0] = bpf_map_delete_elem(map, &self) == 0;
    facts.number[1] = bpf_map_update_elem(map, &self, &none, BPF_ANY) == 0;
    close(map);
    const std::uint64_t arguments[2] = {self, 7};
    bpf_test_run_opts options{};
    options.sz = sizeof(options);
    options.ctx_in = arguments;
    options.ctx_size_in = sizeof(arguments);
    const int program = bpf_prog_get_fd_by_id(tree_add);
    facts.number[2] = bpf_prog_test_run_opts(program, &options) == 0 && options.retval == 0;
    close(program);
    TRIGGER_CHECK(setsid() > 0);
  });
  EXPECT_EQ(recording.facts().number[0], 0) << "took itself out";
  EXPECT_EQ(recording.facts().number[1], 0) << "gave itself another scope";
  EXPECT_EQ(recording.facts().number[2], 0) << "gave itself another scope through our own program";
  const std::vector<Record> sessions = recording.Read(RECORD_SESSION, pid);
  ASSERT_THAT(sessions, SizeIs(1));
  EXPECT_EQ(sessions[0].header().scope, 0);
}

TEST(Tamper, ARingThatSomebodyElseReadsLosesNothingAndIsStated) {
  START_RECORDING(recording, TreeOptions());
  std::uint32_t ring = 0;
  for (const bpf_map_info& info : OwnMaps()) {
    if (info.type == BPF_MAP_TYPE_RINGBUF) ring = info.id;
  }
  ASSERT_NE(ring, 0U);
  recording.Read();
  const pid_t pid = recording.Run([=](Facts&) {
    // Urgent, so that it is in the ring and not in a chunk when the position is moved over it.
    const auto target = getpid();
    for (int i = 0; i < 200; ++i) TRIGGER_CHECK(kill(target, 0) == 0 || errno == EPERM);
    const int map = bpf_map_get_fd_by_id(ring);
    const auto page_bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    void* consumer = mmap(nullptr, page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
    void* producer =
        mmap(nullptr, page_bytes, PROT_READ, MAP_SHARED, map, static_cast<off_t>(page_bytes));
    TRIGGER_CHECK(consumer != MAP_FAILED && producer != MAP_FAILED);
    *static_cast<volatile std::uint64_t*>(consumer) =
        *static_cast<volatile std::uint64_t*>(producer);
    TRIGGER_CHECK(munmap(consumer, page_bytes) == 0 && munmap(producer, page_bytes) == 0);
    close(map);
    TRIGGER_CHECK(setsid() > 0);
  });
  EXPECT_THAT(recording.Read(RECORD_SESSION, pid), SizeIs(1));
  EXPECT_THAT(recording.Read(RECORD_SIGNAL, pid), SizeIs(200));
  const auto loss = recording.source().ReadLoss();
  ASSERT_TRUE(loss) << loss.error().message;
  EXPECT_EQ(loss->interference_count, 1U);
  EXPECT_EQ(loss->count[LOSS_MISSED_HOOK], 1U);
  EXPECT_EQ(recording.missing_count(), 0U);
}

TEST(Tamper, NothingIsStatedWhereNobodyInterferes) {
  START_RECORDING(recording, TreeOptions());
  recording.Run([](Facts&) { TRIGGER_CHECK(setsid() > 0); });
  ASSERT_TRUE(recording.source().Detach());
  recording.Read();
  const auto loss = recording.source().ReadLoss();
  ASSERT_TRUE(loss) << loss.error().message;
  EXPECT_EQ(loss->interference_count, 0U);
  EXPECT_GT(loss->recorded_count, 0U);
}

}  // namespace
}  // namespace spoor::sensor
