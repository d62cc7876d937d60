// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "event/event.hpp"

namespace spoor::importers {

/// Which process a bare pid of a log means. A log tells of few starts: a process that was there
/// before, or whose fork was not logged, has the start 0 ("not known") until its pid is used again.
/// Not thread-safe.
class HostProcesses {
 public:
  struct Found {
    event::ProcessKey process;
    bool first = false;  ///< Find was not asked for it before, and it was not told to start
  };

  /// The process that has `pid` now. `wall_ns` is its start if the one before was told to end.
  Found Find(const std::string& host, std::uint32_t pid, std::int64_t wall_ns);
  /// The same for a process that is only named, as a parent or a target: it still is to be told of.
  event::ProcessKey Mention(const std::string& host, std::uint32_t pid, std::int64_t wall_ns);
  /// A process that starts now.
  event::ProcessKey Start(const std::string& host, std::uint32_t pid, std::int64_t wall_ns);
  void End(const std::string& host, std::uint32_t pid);

 private:
  struct State {
    event::ProcessKey process;
    bool ended = false, told = false;
  };
  std::map<std::pair<std::string, std::uint32_t>, State> processes_;
};

}  // namespace spoor::importers
