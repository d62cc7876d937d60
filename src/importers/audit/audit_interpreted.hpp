// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "importers/audit/audit_record.hpp"
#include "importers/text/log_time.hpp"

namespace spoor::importers {

/// "01/02/24 03:04:05.100" and other forms of the date in a record of `ausearch -i`.
std::optional<std::int64_t> ParseInterpretedTime(std::string_view text, const TimeReading& reading);

/// Fields of a record that `ausearch -i` put into words (`record.type` is set): values without
/// quotes, numbers as names. What has a number here gets it back; names of users but root's have
/// none, so that their fields are left out. Source: the output of ausearch itself.
void ParseInterpretedFields(std::string_view text, AuditRecord& record);

}  // namespace spoor::importers
