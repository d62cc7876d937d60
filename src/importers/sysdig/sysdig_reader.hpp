// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "event/event_source.hpp"
#include "importers/text/import_options.hpp"

namespace spoor::importers {

/// Reads what sysdig prints of each call, "NUMBER TIME CPU PROGRAM (THREAD) DIRECTION CALL
/// ARGUMENTS", also with "(PROCESS.THREAD)" as newer ones have it: execs, forks, ends, connections,
/// and files that are opened, made and removed become events, everything else is a line of
/// "sysdig CALL". Times are a clock (--date says of which day), dates with a clock, or seconds
/// since 1970. Source: the user guide of sysdig.
std::unique_ptr<event::EventSource> MakeSysdigReader(const ImportOptions& options);
bool LooksLikeSysdig(std::string_view first_bytes);

}  // namespace spoor::importers
