// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "event/event_source.hpp"
#include "importers/text/import_options.hpp"

namespace spoor::importers {

/// Reads unified2 of Snort and Suricata: events of both versions and both families of addresses,
/// with application names, the packets that belong to them, and extra data (a line of the log
/// "snort extra data"). Records may come in any order. Behind a length that cannot be nothing is
/// read. Memory: the alerts and packets of some ten thousand events. Source: the Snort manual,
/// "unified2".
std::unique_ptr<event::EventSource> MakeUnified2Reader(const ImportOptions& options);

bool LooksLikeUnified2(std::string_view first_bytes);

}  // namespace spoor::importers
