// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "importers/text/log_time.hpp"

namespace spoor::importers {

/// One line of audit.log, of syslog with one in it, or of what ausearch makes of it (-i too).
/// Values are decoded: quotes are gone, and of fields that the kernel writes in hexadecimal when
/// they hold odd bytes, the bytes are there.
struct AuditRecord {
  std::string type;  ///< "SYSCALL", or the number where the kernel wrote that
  std::string node;
  std::int64_t wall_ns = 0;
  std::uint64_t serial = 0;
  std::vector<std::pair<std::string, std::string>> fields;  ///< in their order
  std::string text;                                         ///< behind the header, as it was

  /// Null: there is none, or it is "(null)", "(none)" or "?".
  const std::string* Find(std::string_view name) const;
  std::optional<std::uint64_t> Number(std::string_view name) const;
  std::optional<std::uint64_t> Hex(std::string_view name) const;
};

/// None: no record of the audit system is in the line. `reading`: of times that ausearch wrote.
std::optional<AuditRecord> ParseAuditRecord(std::string_view line, const TimeReading& reading = {});

}  // namespace spoor::importers
