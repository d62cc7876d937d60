// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "event/event_source.hpp"
#include "importers/text/import_options.hpp"

namespace spoor::importers {

/// Reads the journal of systemd as journalctl writes it, -o export or -o json (also json-seq and
/// json-sse): each entry as a line of the log "journal", and what syslog's lines become.
std::unique_ptr<event::EventSource> MakeJournalReader(const ImportOptions& options);
bool LooksLikeJournal(std::string_view first_bytes);

}  // namespace spoor::importers
