// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "event/network.hpp"
#include "importers/text/json_line.hpp"
#include "importers/text/log_time.hpp"

/// Records of flows that stand in columns of spaces, as ra and nfdump print them for people.
namespace spoor::importers {

/// Names of columns, in lower case as `ra -c ,` has them, and their values.
using NamedValues = std::vector<std::pair<std::string, std::string>>;

/// The columns of a line of ra's: `header` is the line above. A port may be glued to its address
/// with a point, flags may be any number of words, and the last columns may be empty. Empty: it
/// tells no two ends.
NamedValues SplitRaLine(std::string_view header, std::string_view line);

/// A line of `nfdump -o line`, long, extended, biline or bilong below `header`, which may be empty.
/// Numbers that nfdump rounded ("1.2 M") are left out, and so is a record with addresses that it
/// shortened ("fe80::2..83:76e0").
std::optional<event::FlowSighting> ParseNfdumpLine(std::string_view header, std::string_view line,
                                                   const TimeReading& reading);
/// A record of `nfdump -o json`.
std::optional<event::FlowSighting> NfdumpFlowOf(JsonObject object, const TimeReading& reading);

}  // namespace spoor::importers
