// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "event/event.hpp"

namespace spoor::importers {

/// What lines leave out because earlier lines said it: the start of processes, who they run as, the
/// difference of the clocks, the time.
class EventDefaults {
 public:
  explicit EventDefaults(std::string default_host) : default_host_(std::move(default_host)) {}

  /// Fills `event` from `object`, then what was left out. Fails: kCorrupt (which key, what is
  /// wrong).
  Result<> Fill(simdjson::dom::object object, event::Event& event);

 private:
  struct User {
    std::uint32_t uid = 0, euid = 0;
  };
  using PidOfHost = std::pair<std::string, std::uint32_t>;

  void FillTimes(event::Event& event, bool has_boot, bool has_wall);
  void FillProcesses(event::Event& event, bool has_start, bool has_child_start,
                     bool has_parent_start);
  void FillUser(event::Event& event, bool has_uid, bool has_euid);

  std::string default_host_;
  std::map<PidOfHost, std::uint64_t> start_boot_ns_;  // of the last process with that pid
  std::map<PidOfHost, User> users_;
  std::map<std::string, std::int64_t> wall_minus_boot_ns_;  // by host
  std::uint64_t last_boot_ns_ = 0;
};

}  // namespace spoor::importers
