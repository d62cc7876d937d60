// SPDX-License-Identifier: Apache-2.0
// Records wait in per-CPU chunks and in the ring. To know that nothing older than a moment is still
// under way, Drain takes the time, sends every CPU's open chunk by running a program on that CPU,
// puts a mark into the ring behind them, and reads up to the mark. The hooks leave a part of the
// ring free for this: a flood costs records, which are counted, but never the knowledge of how far
// the recording is complete.
#include "sensor/kernel_source.hpp"

#include <bpf/bpf.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/time.hpp"
#include "sensor/kernel_source_baseline.hpp"
#include "sensor/kernel_source_programs.hpp"
#include "sensor/kernel_source_scope.hpp"
#include "sensor/ring_reader.hpp"

namespace spoor::sensor {
namespace {

constexpr ino_t kInitialPidNamespace = 0xEFFFFFFCu;  // linux/proc_ns.h: PROC_PID_INIT_INO
constexpr int kMarkTries = 100;
constexpr int kFlushTries = 20;
/// Of the ring, for each CPU: what Drain may have to send at once. An open chunk is seldom longer.
constexpr std::size_t kFlushBytesPerCpu = 32 << 10;
constexpr std::size_t kRingBytesMin = 64 << 10;
constexpr std::size_t kRingBytesMax = 1 << 30;

// Where ring entries go while one Drain reads them.
struct Reading {
  std::vector<std::byte>* chunks = nullptr;
  std::uint64_t awaited_mark = 0;
  bool mark_seen = false;
  std::size_t size_bytes = 0;
  std::size_t size_bytes_max = 0;
  std::uint64_t record_count = 0;

  bool Take(std::span<const std::byte> entry) {
    if (entry.size() == sizeof(ring_mark)) {
      ring_mark mark{};
      std::memcpy(&mark, entry.data(), sizeof(mark));
      mark_seen = mark.number == awaited_mark;  // another is of a Drain that gave up on it
      return !mark_seen;                        // what is behind the mark is for the next time
    }
    chunk_header header{};
    if (entry.size() >= sizeof(header)) std::memcpy(&header, entry.data(), sizeof(header));
    record_count += header.count;
    chunks->insert(chunks->end(), entry.begin(), entry.end());
    size_bytes += entry.size();
    return size_bytes <= size_bytes_max;
  }
};

using ProgramArguments = std::array<std::uint64_t, 2>;

// Runs `flush`, `mark` or `tree_add`, on `cpu` if it is not negative.
Result<std::uint32_t> RunProgram(int program_fd, const ProgramArguments& arguments, int cpu) {
  // Not LIBBPF_OPTS, which is a GNU expression.
  bpf_test_run_opts options{};
  options.sz = sizeof(options);
  options.ctx_in = arguments.data();
  options.ctx_size_in = sizeof(arguments);
  if (cpu >= 0) {
    options.flags = BPF_F_TEST_RUN_ON_CPU;
    options.cpu = static_cast<__u32>(cpu);
  }
  if (const int error = bpf_prog_test_run_opts(program_fd, &options))
    return FailErrno(-error, "kernel half: cannot run a program on CPU {}", cpu);
  return options.retval;
}

// Nobody else can put the mark that is awaited into the ring before it is there.
Result<std::uint64_t> UnguessableNumber() {
  std::uint64_t number = 0;
  if (getrandom(&number, sizeof(number), 0) != sizeof(number))
    return FailErrno(errno, "kernel half: no random number");
  return number;
}

class LoadedKernelSource final : public KernelSource {
 public:
  LoadedKernelSource(LoadedPrograms programs, std::size_t ring_bytes)
      : programs_(std::move(programs)),
        cpu_count_(libbpf_num_possible_cpus()),
        ring_bytes_(ring_bytes) {}

  Result<> MakeRing() {
    ASSIGN_OR_RETURN(ring_, RingReader::Map(programs_.MapFd("ring"), ring_bytes_));
    // Edge-triggered: an ordinary entry is no reason to be woken, and only wake-ups make edges.
    wake_ = FileDescriptor(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.u64 = 0}};
    if (!wake_.valid() ||
        ::epoll_ctl(wake_.get(), EPOLL_CTL_ADD, programs_.MapFd("ring"), &event) != 0) {
      return FailErrno(errno, "kernel half: cannot watch the ring");
    }
    return {};
  }

  int wake_fd() const override { return wake_.get(); }
  void ClearWake() override {
    epoll_event event{};
    static_cast<void>(::epoll_wait(wake_.get(), &event, 1, 0));
  }

  Result<> Attach() override {
    coverage_ = {.attached = {}, .refused = programs_.refused};
    FillHandlers();
    RETURN_IF_ERROR(FreezeMaps());
    for (const HookProgram& hook : HookPrograms()) {
      if (programs_.ProgramFd(hook.program) < 0) continue;  // refused at load, already listed
      BpfLink link(bpf_program__attach(
          bpf_object__find_program_by_name(programs_.object.get(), hook.program)));
      if (link) {
        links_.push_back(std::move(link));
        coverage_.attached.emplace_back(hook.program);
        continue;
      }
      const std::string why = ErrnoText(errno);
      if (hook.required) {
        links_.clear();
        return Fail(ErrorCode::kUnavailable, "this kernel refuses to attach {}: {}", hook.program,
                    why);
      }
      coverage_.refused.push_back(std::string(hook.program) + ": " + why);
    }
    return {};
  }

  Result<> AddTree(std::uint32_t pid, std::uint16_t scope_index) override {
    ASSIGN_OR_RETURN(const std::uint32_t answer,
                     RunProgram(programs_.ProgramFd("tree_add"), {pid, scope_index}, -1));
    if (answer == TREE_ADDED) return {};
    return Fail(ErrorCode::kUnavailable, "process {}: cannot be added to the recorded trees", pid);
  }

  Result<std::uint64_t> CountTreeProcesses() override {
    const int trees = programs_.MapFd("trees");
    std::uint64_t count = 0;
    std::uint32_t key = 0, next = 0;
    // A key that goes away between two steps makes the kernel begin anew: hence the bound.
    for (const std::uint32_t* after = nullptr; count < TREES_MAX; ++count, after = &key) {
      if (bpf_map_get_next_key(trees, after, &next) != 0) {
        if (errno == ENOENT) return count;
        return FailErrno(errno, "kernel half: cannot look into its map trees");
      }
      key = next;
    }
    return count;
  }

  Result<> Baseline(std::vector<std::byte>& chunks) override {
    return ReadBaseline(programs_, chunks);
  }

  Result<std::uint64_t> Drain(std::vector<std::byte>& chunks) override {
    const std::uint64_t now_ns = BootNow();
    reading_ = Reading{.chunks = &chunks, .size_bytes_max = 2 * ring_bytes_};
    std::uint32_t flushed = FLUSH_BUSY;
    for (int i = 0; i < kFlushTries && flushed != FLUSH_DONE; i++) {
      if (flushed == FLUSH_FULL) ReadEntries();
      ASSIGN_OR_RETURN(flushed, FlushAll());
      if (reading_.size_bytes > reading_.size_bytes_max) break;
    }
    ASSIGN_OR_RETURN(reading_.awaited_mark, UnguessableNumber());
    ASSIGN_OR_RETURN(const std::uint32_t marked,
                     RunProgram(programs_.ProgramFd("mark"), {reading_.awaited_mark, 0}, -1));
    // An entry that another CPU is still writing stops the reader in front of it.
    for (int i = 0; i < kMarkTries && !reading_.mark_seen; i++) {
      if (i > 0) sched_yield();
      ReadEntries();
      if (marked != FLUSH_DONE || reading_.size_bytes > reading_.size_bytes_max) break;
    }
    read_count_ += reading_.record_count;
    if (flushed == FLUSH_DONE && reading_.mark_seen) complete_until_ns_ = now_ns;
    return complete_until_ns_;
  }

  Result<> Detach() override {
    links_.clear();
    // Until hooks that still run have ended: what they record is for the last Drain.
    syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
    return {};
  }

  Result<Loss> ReadLoss() override {
    std::vector<cpu_counts> per_cpu(static_cast<std::size_t>(cpu_count_));
    const std::uint32_t zero = 0;
    if (const int error = bpf_map_lookup_elem(programs_.MapFd("counts"), &zero, per_cpu.data()))
      return FailErrno(-error, "kernel half: cannot read the loss counters");
    Loss loss;
    for (const cpu_counts& counts : per_cpu) {
      for (std::size_t i = 0; i < LOSS_CLASS_COUNT; i++) loss.count[i] += counts.lost[i];
      loss.recorded_count += counts.recorded;
    }
    for (const HookProgram& hook : HookPrograms()) {
      const int fd = programs_.ProgramFd(hook.program);
      bpf_prog_info info{};
      std::uint32_t size_bytes = sizeof(info);
      if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &size_bytes) == 0)
        loss.count[LOSS_MISSED_HOOK] += info.recursion_misses;
    }
    loss.interference_count = ring_->interference_count();
    // Nothing comes any more. What was handed over and not read, or read and not handed over, went
    // through somebody else's hands.
    if (links_.empty()) {
      loss.interference_count += loss.recorded_count > read_count_
                                     ? loss.recorded_count - read_count_
                                     : read_count_ - loss.recorded_count;
    }
    loss.count[LOSS_MISSED_HOOK] += loss.interference_count;
    return loss;
  }

  const Coverage& coverage() const override { return coverage_; }

 private:
  // Before on_sys_exit is attached, so that no call finds its entry missing.
  void FillHandlers() {
    const int handlers = programs_.MapFd("handlers");
    for (const SyscallProgram& syscall : SyscallPrograms()) {
      const int program = programs_.ProgramFd(syscall.program);
      if (program < 0) continue;
      const std::uint32_t nr = syscall.syscall_nr;
      SPOOR_CHECK(bpf_map_update_elem(handlers, &nr, &program, BPF_ANY) == 0)
          << syscall.program << ": " << ErrnoText(errno);
      if (std::ranges::find(coverage_.attached, syscall.program) == coverage_.attached.end())
        coverage_.attached.emplace_back(syscall.program);
    }
  }

  // Root can reach any map by its id. Without this, one call took a system call's handler, or a
  // process's membership in a recorded tree, away and the sensor went on to say that nothing was
  // lost. What the programs write is not touched by it. All but the ring: of that a page must stay
  // writable, and RingReader tells when somebody else wrote there. The settings libbpf froze.
  Result<> FreezeMaps() {
    const bpf_map* map = nullptr;
    bpf_object__for_each_map(map, programs_.object.get()) {
      if (bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF || bpf_map__is_internal(map)) continue;
      if (bpf_map_freeze(bpf_map__fd(map)) != 0)
        return FailErrno(errno, "kernel half: cannot freeze its map {}", bpf_map__name(map));
    }
    return CheckHandlers();
  }

  // Somebody may have been there between the loading and the freezing.
  Result<> CheckHandlers() {
    for (const SyscallProgram& syscall : SyscallPrograms()) {
      const int program = programs_.ProgramFd(syscall.program);
      const std::uint32_t nr = syscall.syscall_nr;
      std::uint32_t id = 0;
      bpf_prog_info info{};
      std::uint32_t size_bytes = sizeof(info);
      if (program < 0 ||
          (bpf_map_lookup_elem(programs_.MapFd("handlers"), &nr, &id) == 0 &&
           bpf_obj_get_info_by_fd(program, &info, &size_bytes) == 0 && info.id == id)) {
        continue;
      }
      return Fail(ErrorCode::kUnavailable,
                  "kernel half: somebody took the handler of system call {} away", nr);
    }
    return {};
  }

  // The worst answer of all CPUs. An offline CPU's chunk is sent from here.
  Result<std::uint32_t> FlushAll() {
    std::uint32_t worst = FLUSH_DONE;
    const int program = programs_.ProgramFd("flush");
    for (int cpu = 0; cpu < cpu_count_; cpu++) {
      Result<std::uint32_t> answer = RunProgram(program, {static_cast<std::uint64_t>(cpu), 0}, cpu);
      if (!answer) answer = RunProgram(program, {static_cast<std::uint64_t>(cpu), 0}, -1);
      if (!answer) return answer;
      worst = std::max(worst, *answer);
    }
    return worst;
  }

  void ReadEntries() {
    ring_->Read([this](std::span<const std::byte> entry) { return reading_.Take(entry); });
  }

  LoadedPrograms programs_;
  int cpu_count_;
  std::size_t ring_bytes_;
  Reading reading_;
  std::unique_ptr<RingReader> ring_;
  FileDescriptor wake_;
  std::vector<BpfLink> links_;
  Coverage coverage_;
  std::uint64_t complete_until_ns_ = 0;
  std::uint64_t read_count_ = 0;  // records, of the hooks
};

}  // namespace

Result<std::unique_ptr<KernelSource>> KernelSource::Open(const KernelSourceOptions& options) {
  ASSIGN_OR_RETURN(sensor_config config, MakeConfig(options));
  if (geteuid() != 0)
    return Fail(ErrorCode::kUnavailable, "recording needs root (effective uid is {})", geteuid());
  struct stat pid_namespace {};
  if (stat("/proc/self/ns/pid", &pid_namespace) == 0 &&
      pid_namespace.st_ino != kInitialPidNamespace) {
    return Fail(
        ErrorCode::kUnavailable,
        "recording needs the initial pid namespace: this one numbers processes differently");
  }
  const std::size_t ring_bytes =
      std::bit_ceil(std::clamp(options.ring_bytes, kRingBytesMin, kRingBytesMax));
  const auto cpu_count = static_cast<std::size_t>(libbpf_num_possible_cpus());
  config.ring_hook_bytes = ring_bytes - std::min(cpu_count * kFlushBytesPerCpu, ring_bytes / 4);
  config.ring_shed_bytes = config.ring_hook_bytes / 4 * 3;
  ASSIGN_OR_RETURN(LoadedPrograms programs,
                   LoadPrograms(config, ring_bytes,
                                options.portable_reads ? ReadMode::kPortable : ReadMode::kBest));
  auto source = std::make_unique<LoadedKernelSource>(std::move(programs), ring_bytes);
  RETURN_IF_ERROR(source->MakeRing());
  return source;
}

}  // namespace spoor::sensor
