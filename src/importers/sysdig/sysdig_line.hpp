// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "event/event.hpp"

namespace spoor::importers {

/// One line of sysdig. The parts are views of the line.
struct SysdigLine {
  std::string_view time;  ///< as it is written
  std::string_view program, call, arguments;
  std::uint32_t pid = 0, tid = 0;  ///< pid: that of the thread where no other is told
  bool entry = false;              ///< '>': the call begins
};

/// None: it is no such line.
std::optional<SysdigLine> ParseSysdigLine(std::string_view text);

/// "NAME=value" of the arguments, up to the next name; empty: there is none.
std::string_view SysdigArgument(std::string_view arguments, std::string_view name);

/// "3(<4t>10.0.0.1:4000->10.0.0.2:80)", "-2(ENOENT)": number and name.
struct SysdigDescriptor {
  std::int64_t number = 0;
  std::string_view type, name;  ///< "4t", "f" …; empty: not told
};
std::optional<SysdigDescriptor> ParseSysdigDescriptor(std::string_view text);

/// "10.0.0.1:4000->10.0.0.2:80" of "4t", "4u", "6t" or "6u": the first is who began; `accepted`: so
/// the other end is this host's.
std::optional<event::SocketInfo> ParseSysdigTuple(std::string_view tuple, std::string_view type,
                                                  bool accepted);

}  // namespace spoor::importers
