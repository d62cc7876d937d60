// SPDX-License-Identifier: Apache-2.0
// What recording costs the recorded: nanoseconds per call, measured by the calling process itself,
// with the programs attached and without, in turns. Goals: 80 ns per recorded 1-byte read, 20 ns
// per call that is not recorded.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <ctime>
#include <string>
#include <vector>

#include "sensor/kernel_source.hpp"

namespace spoor::sensor {
namespace {

constexpr int kRounds = 41;
constexpr int kCallsPerRound = 20'000;

enum class Call { kRead, kGetppid, kWritePayload };

// What the child and we share.
struct Turn {
  std::atomic<int> wanted{0};
  std::atomic<int> done{0};
  double call_ns = 0;
};

void CallOften(Call call, int fd) {
  char byte = 0;
  char block[256] = {};
  for (int i = 0; i < kCallsPerRound; i++) {
    switch (call) {
      case Call::kRead:
        if (read(fd, &byte, 1) != 1) _exit(1);
        break;
      case Call::kGetppid:
        syscall(SYS_getppid);
        break;
      case Call::kWritePayload:
        if (pwrite(fd, block, sizeof(block), 0) != sizeof(block)) _exit(1);
        break;
    }
  }
}

// CPU time of this process, so that others on the machine do not count.
double OwnTimeNs() {
  struct timespec time {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

[[noreturn]] void RunChild(Call call, Turn& turn) {
  const int fd = call == Call::kRead ? open("/dev/zero", O_RDONLY) : memfd_create("bench", 0);
  for (int round = 1;; round++) {
    while (turn.wanted.load() < round) usleep(200);
    const double start_ns = OwnTimeNs();
    CallOften(call, fd);
    turn.call_ns = (OwnTimeNs() - start_ns) / kCallsPerRound;
    turn.done.store(round);
  }
}

double MeasureRound(Turn& turn) {
  const int round = ++turn.wanted;
  while (turn.done.load() < round) usleep(200);
  return turn.call_ns;
}

double Median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// In turns, so that a noisy machine disturbs both alike.
Result<> Measure(KernelSource& source, Turn& turn, benchmark::State& state) {
  std::vector<double> bare, recorded;
  std::vector<std::byte> chunks;
  for (int round = 0; round < kRounds; round++) {
    bare.push_back(MeasureRound(turn));
    RETURN_IF_ERROR(source.Attach());
    recorded.push_back(MeasureRound(turn));
    RETURN_IF_ERROR(source.Detach());
    chunks.clear();
    RETURN_IF_ERROR(source.Drain(chunks));
  }
  ASSIGN_OR_RETURN(const KernelSource::Loss loss, source.ReadLoss());
  state.counters["bare_ns"] = Median(bare);
  state.counters["recorded_ns"] = Median(recorded);
  state.counters["added_ns"] = Median(recorded) - Median(bare);
  state.counters["added_min_ns"] = std::ranges::min(recorded) - std::ranges::min(bare);
  state.counters["lost"] = static_cast<double>(loss.count[LOSS_IO]);
  return {};
}

void BenchCall(benchmark::State& state, Call call, Scope::Kind kind, bool portable) {
  KernelSourceOptions options;
  options.scopes = {{.kind = kind, .host = "bench", .cgroup_path = {}}};
  options.ring_bytes = 64 << 20;
  options.portable_reads = portable;
  if (call == Call::kWritePayload) {
    options.payload_bytes_max = 256;
    options.payload_bytes_per_second = 1ull << 40;
  }
  auto source = KernelSource::Open(options);
  if (!source) {
    state.SkipWithError(source.error().message.c_str());
    return;
  }
  void* memory =
      mmap(nullptr, sizeof(Turn), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  Turn& turn = *new (memory) Turn;
  const pid_t child = fork();
  if (child == 0) RunChild(call, turn);
  Result<> measured;
  if (kind == Scope::Kind::kTree) {
    measured = (*source)->AddTree(static_cast<std::uint32_t>(child), 0);
  }
  for (auto _ : state) {
    if (measured) measured = Measure(**source, turn, state);
  }
  if (!measured) state.SkipWithError(measured.error().message.c_str());
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  munmap(memory, sizeof(Turn));
}

using enum Scope::Kind;
BENCHMARK_CAPTURE(BenchCall, read_1_byte, Call::kRead, kMachine, false)->Iterations(1);
BENCHMARK_CAPTURE(BenchCall, read_1_byte_tree, Call::kRead, kTree, false)->Iterations(1);
BENCHMARK_CAPTURE(BenchCall, read_1_byte_portable, Call::kRead, kMachine, true)->Iterations(1);
BENCHMARK_CAPTURE(BenchCall, write_256_with_payload, Call::kWritePayload, kMachine, false)
    ->Iterations(1);
BENCHMARK_CAPTURE(BenchCall, getppid, Call::kGetppid, kMachine, false)->Iterations(1);

}  // namespace
}  // namespace spoor::sensor
