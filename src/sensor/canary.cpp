// SPDX-License-Identifier: Apache-2.0
#include "sensor/canary.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "base/check.hpp"

namespace spoor::sensor {
namespace {

// In the child, of a process with threads: only async-signal-safe calls.
[[noreturn]] void Act(const char* cgroup_procs, const sockaddr_un& address) {
  if (cgroup_procs != nullptr) {
    const int procs = open(cgroup_procs, O_WRONLY | O_CLOEXEC);
    if (procs >= 0) static_cast<void>(!write(procs, "0", 1));
  }
  static_cast<void>(open(address.sun_path, O_RDONLY | O_CLOEXEC));
  const int stream = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  static_cast<void>(connect(stream, reinterpret_cast<const sockaddr*>(&address), sizeof(address)));
  char* const nothing[] = {nullptr};
  execve(address.sun_path, nothing, nothing);
  _exit(0);
}

}  // namespace

bool TakesCanaries(const Scope& scope) {
  return scope.kind != Scope::Kind::kTree;
}

CanaryMaker::CanaryMaker(wire::CanarySchedule schedule, std::vector<Scope> scopes)
    : schedule_(std::move(schedule)), scopes_(std::move(scopes)) {
  SPOOR_CHECK(!scopes_.empty() && std::ranges::all_of(scopes_, TakesCanaries)) << "no scope";
}

CanaryMaker::~CanaryMaker() {
  if (last_) waitpid(*last_, nullptr, 0);
}

void CanaryMaker::MakeDue(std::uint64_t now_boot_ns) {
  if (schedule_.next().due_boot_ns > now_boot_ns || !LastHasEnded()) return;
  const wire::Canary& canary = schedule_.next();
  const Scope& scope = scopes_[canary.number % scopes_.size()];
  const std::string procs = scope.cgroup_path + "/cgroup.procs";
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  const std::string path = std::string(wire::kCanaryFolder) + canary.token;
  static_assert(wire::kCanaryFolder.size() + wire::kCanaryTokenBytes < sizeof(address.sun_path));
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const pid_t pid = fork();
  if (pid == 0) Act(scope.kind == Scope::Kind::kCgroup ? procs.c_str() : nullptr, address);
  // Where no process can be made the collector misses it, and rightly so.
  if (pid > 0) last_ = pid;
  schedule_.Advance();
}

bool CanaryMaker::LastHasEnded() {
  if (last_ && waitpid(*last_, nullptr, WNOHANG) == 0) return false;
  last_.reset();
  return true;
}

}  // namespace spoor::sensor
