// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "event/event_source.hpp"
#include "importers/text/import_options.hpp"

namespace spoor::importers {

/// Reads Sysmon for Linux: one XML <Event> a line, alone, in a line of syslog, or in a member of a
/// JSON object. Process creations become execs, ends exits, connections, made and deleted files
/// events of their process; all else a line of the log "sysmon ID". Users are names there, so that
/// only root's number is known; arguments are the command line cut at spaces.
std::unique_ptr<event::EventSource> MakeSysmonReader(const ImportOptions& options);

bool LooksLikeSysmon(std::string_view first_bytes);

}  // namespace spoor::importers
