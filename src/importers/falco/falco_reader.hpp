// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "event/event_source.hpp"
#include "importers/text/import_options.hpp"

namespace spoor::importers {

/// Reads alerts of Falco (json_output): each becomes an alert, about the connection that it names
/// if it names one, and a line of the log "falco" with all that it says.
std::unique_ptr<event::EventSource> MakeFalcoReader(const ImportOptions& options);
bool LooksLikeFalco(std::string_view first_bytes);

}  // namespace spoor::importers
