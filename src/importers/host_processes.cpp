// SPDX-License-Identifier: Apache-2.0
#include "importers/host_processes.hpp"

#include <utility>

namespace spoor::importers {

HostProcesses::Found HostProcesses::Find(const std::string& host, std::uint32_t pid,
                                         std::int64_t wall_ns) {
  const event::ProcessKey process = Mention(host, pid, wall_ns);
  return {process, !std::exchange(processes_[{host, pid}].told, true)};
}

event::ProcessKey HostProcesses::Mention(const std::string& host, std::uint32_t pid,
                                         std::int64_t wall_ns) {
  const auto [found, made] =
      processes_.try_emplace({host, pid}, State{.process = {.pid = pid, .start_boot_ns = 0}});
  if (!found->second.ended) return found->second.process;
  const event::ProcessKey process = Start(host, pid, wall_ns);
  found->second.told = false;
  return process;
}

event::ProcessKey HostProcesses::Start(const std::string& host, std::uint32_t pid,
                                       std::int64_t wall_ns) {
  const event::ProcessKey process{
      .pid = pid, .start_boot_ns = wall_ns > 0 ? static_cast<std::uint64_t>(wall_ns) : 0};
  processes_[{host, pid}] = State{.process = process, .told = true};
  return process;
}

void HostProcesses::End(const std::string& host, std::uint32_t pid) {
  const auto found = processes_.find({host, pid});
  if (found != processes_.end()) found->second.ended = true;
}

}  // namespace spoor::importers
