// SPDX-License-Identifier: Apache-2.0
#include "tests/kernel/recording.hpp"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/time.hpp"

namespace spoor::sensor {
namespace {

constexpr int kGoDescriptorMin = 500;
constexpr int kDescriptorsMax = 1024;

bool IsProgram(int fd) {
  std::ifstream fdinfo("/proc/self/fdinfo/" + std::to_string(fd));
  for (std::string line; std::getline(fdinfo, line);) {
    if (line.starts_with("prog_id:")) return true;
  }
  return false;
}

}  // namespace

std::uint64_t Recording::SkippedByKernel() {
  std::uint64_t skipped = 0;
  for (int fd = 0; fd < kDescriptorsMax; ++fd) {
    bpf_prog_info info{};
    std::uint32_t size_bytes = sizeof(info);
    if (IsProgram(fd) && bpf_obj_get_info_by_fd(fd, &info, &size_bytes) == 0)
      skipped += info.recursion_misses;
  }
  return skipped;
}

std::string Record::Text(const tail& where) const {
  if (where.offset_bytes + where.length_bytes > static_cast<int>(bytes_.size()))
    return "(tail outside of the record)";
  return {reinterpret_cast<const char*>(bytes_.data()) + where.offset_bytes, where.length_bytes};
}

std::unique_ptr<Recording> Recording::Start(KernelSourceOptions options, std::string& why) {
  // Only what the machine cannot do is a reason to skip; where it can, a refusal is a bug.
  why = machine::WhyItCannotRecord();
  if (!why.empty()) return nullptr;
  options.portable_reads = std::getenv("SPOOR_PORTABLE_READS") != nullptr;
  auto source = KernelSource::Open(options);
  if (!source) {
    ADD_FAILURE() << source.error().message;
    why = "there is no recording";
    return nullptr;
  }
  std::unique_ptr<Recording> recording(new Recording);
  recording->source_ = std::move(*source);
  void* memory =
      mmap(nullptr, sizeof(Facts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  recording->facts_ = static_cast<Facts*>(memory);
  const auto attached = recording->source_->Attach();
  EXPECT_TRUE(attached) << attached.error().message;
  return recording;
}

Recording::~Recording() {
  if (facts_ != nullptr) munmap(facts_, sizeof(Facts));
  if (go_[1] >= 0) close(go_[1]);
}

pid_t Recording::Fork(const std::function<void(Facts&)>& act) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  // Out of the way, so that what the trigger opens has other numbers than what it waited on.
  for (int i = 0; i < 2; i++) {
    go_[i] = fcntl(ends[i], F_DUPFD, kGoDescriptorMin);
    close(ends[i]);
  }
  const pid_t pid = fork();
  if (pid == 0) {
    char go = 0;
    // The same calls after the go for every trigger: one read, two closes (kOwnReads, kOwnCloses).
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (read(go_[0], &go, 1) != 1) _exit(3);
    close(go_[1]);
    close(go_[0]);
    act(*facts_);
    _exit(0);
  }
  close(go_[0]);
  return pid;
}

void Recording::Go() {
  EXPECT_EQ(write(go_[1], "g", 1), 1);
  close(go_[1]);
  go_[1] = -1;
}

void Recording::WaitFor(pid_t pid) {
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "trigger ended with " << status;
}

void Recording::WaitUntilStopped(pid_t pid) {
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, WUNTRACED), pid);
  EXPECT_TRUE(WIFSTOPPED(status)) << "trigger ended with " << status;
}

pid_t Recording::Run(const std::function<void(Facts&)>& act) {
  const pid_t pid = Fork(act);
  const auto added = source_->AddTree(static_cast<std::uint32_t>(pid), 0);
  EXPECT_TRUE(added) << added.error().message;
  Go();
  WaitFor(pid);
  return pid;
}

void Recording::Parse(const std::vector<std::byte>& chunks) {
  for (std::size_t at = 0; at < chunks.size();) {
    chunk_header chunk{};
    ASSERT_LE(at + sizeof(chunk), chunks.size());
    std::memcpy(&chunk, chunks.data() + at, sizeof(chunk));
    at += sizeof(chunk);
    ASSERT_LE(at + chunk.size_bytes, chunks.size());
    auto known = std::find_if(next_sequence_.begin(), next_sequence_.end(),
                              [&](const auto& entry) { return entry.first == chunk.cpu; });
    if (known == next_sequence_.end()) known = next_sequence_.insert(known, {chunk.cpu, 0});
    ASSERT_GE(chunk.first_sequence, known->second);
    missing_count_ += chunk.first_sequence - known->second;
    known->second = chunk.first_sequence + chunk.count;
    const std::size_t end = at + chunk.size_bytes;
    for (std::uint32_t i = 0; i < chunk.count; i++) {
      record_header header{};
      ASSERT_LE(at + sizeof(header), end);
      std::memcpy(&header, chunks.data() + at, sizeof(header));
      ASSERT_GE(header.size_bytes, sizeof(header));
      ASSERT_LE(at + header.size_bytes, end);
      ASSERT_EQ(header.size_bytes % 8, 0);
      const auto first = chunks.begin() + static_cast<std::ptrdiff_t>(at);
      records_.emplace_back(std::vector<std::byte>(first, first + header.size_bytes));
      at += header.size_bytes;
    }
    ASSERT_EQ(at, end);
  }
}

const std::vector<Record>& Recording::Read() {
  std::vector<std::byte> chunks;
  const std::uint64_t now_ns = BootNow();
  // A record that is just being built holds its CPU's chunk back, for as long as who builds it
  // waits for a CPU: what is asked for is older.
  for (;;) {
    const auto drained = source_->Drain(chunks);
    EXPECT_TRUE(drained) << drained.error().message;
    if (!drained || *drained >= now_ns) break;
    sched_yield();
  }
  Parse(chunks);
  // Chunks are per CPU: a process that moves between CPUs is in order only by time.
  std::stable_sort(records_.begin(), records_.end(), [](const Record& a, const Record& b) {
    return a.header().boot_ns < b.header().boot_ns;
  });
  return records_;
}

std::vector<Record> Recording::Read(int kind, pid_t pid) {
  std::vector<Record> found;
  for (const Record& record : Read())
    if (record.header().kind == kind &&
        (pid == 0 || record.header().pid == static_cast<std::uint32_t>(pid)))
      found.push_back(record);
  return found;
}

std::uint64_t StartTicksOf(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string field;
  for (int i = 3; i <= 22; i++) fields >> field;
  return std::strtoull(field.c_str(), nullptr, 10);
}

void TriggerFailed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: trigger: %s: %s\n", file, line, condition, std::strerror(errno));
  _exit(9);
}

}  // namespace spoor::sensor
