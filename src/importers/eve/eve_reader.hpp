// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "event/event_source.hpp"
#include "importers/text/import_options.hpp"

namespace spoor::importers {

/// Reads the EVE log of Suricata: one JSON object a line. Alerts become alerts with the packet that
/// came with them, flow records flows, statistics that count lost packets a loss, all else a line
/// of the log "suricata TYPE". Source: Suricata's user guide, "EVE JSON format".
std::unique_ptr<event::EventSource> MakeEveReader(const ImportOptions& options);

bool LooksLikeEve(std::string_view first_bytes);

}  // namespace spoor::importers
