// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "event/event_source.hpp"
#include "importers/text/import_options.hpp"

namespace spoor::importers {

/// Reads the terminal logs of cowrie, kippo and UML: what went through the terminal becomes reads
/// (typed, or the command that was asked for) and writes (shown) of one process, "cowrie", that
/// starts with the file. Source: ttylog.py of cowrie.
std::unique_ptr<event::EventSource> MakeCowrieTtyReader(const ImportOptions& options);
bool LooksLikeCowrieTty(std::string_view first_bytes);

/// Reads cowrie.json: a session is a flow of the observer "cowrie", each line a line of the log
/// "cowrie EVENT".
std::unique_ptr<event::EventSource> MakeCowrieReader(const ImportOptions& options);
bool LooksLikeCowrie(std::string_view first_bytes);

}  // namespace spoor::importers
