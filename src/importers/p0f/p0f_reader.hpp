// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "event/event_source.hpp"
#include "importers/text/import_options.hpp"

namespace spoor::importers {

/// Reads what p0f logs, versions 3 and 2: a system that it named becomes a fingerprint of the
/// address, on its flow; what it did not name, and all else, a line of the log "p0f". Version 3
/// writes local time. Source: p0f's README.
std::unique_ptr<event::EventSource> MakeP0fReader(const ImportOptions& options);

bool LooksLikeP0f(std::string_view first_bytes);

}  // namespace spoor::importers
