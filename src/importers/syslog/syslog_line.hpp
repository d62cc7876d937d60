// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "importers/text/log_time.hpp"

namespace spoor::importers {

/// One line of syslog, its parts.
struct SyslogLine {
  std::optional<std::int64_t> wall_ns;  ///< none: it says "-"
  std::string_view host, program, message;
};

enum class SyslogForm { kLine, kNone, kNoYear };

/// RFC 5424, RFC 3164 (whose times have no year), and the same with an ISO time or one of
/// journalctl's (-o short-unix, short-full), with or without a priority. The parts are views of
/// `text`.
SyslogForm ParseSyslog(std::string_view text, const TimeReading& reading, YearKeeper& years,
                       SyslogLine& line);

}  // namespace spoor::importers
