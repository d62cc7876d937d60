// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "base/repeat_counter.hpp"
#include "event/event_source.hpp"
#include "importers/syslog/syslog_line.hpp"

namespace spoor::importers {

/// The packet that a line of the packet filter is about. None: it is no such line.
std::optional<event::FlowSighting> ParseFilterLine(std::string_view message);

/// What the system log of a host says, whoever kept it: a line of the packet filter becomes a flow
/// of one packet as well, an alert of Snort becomes an alert alone. Not thread-safe.
class SystemLog {
 public:
  /// `source`: of the line of the log.
  void Take(const SyslogLine& line, std::string_view source, event::Findings& findings);

 private:
  bool TakeEve(const SyslogLine& line, event::Findings& findings);
  bool TakeAlert(const SyslogLine& line, event::Findings& findings);

  RepeatCounter repeats_;
  std::unique_ptr<event::EventSource> eve_;  // once there was a line for it
};

}  // namespace spoor::importers
