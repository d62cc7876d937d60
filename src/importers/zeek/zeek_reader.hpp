// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "event/event_source.hpp"
#include "importers/text/import_options.hpp"

namespace spoor::importers {

/// Reads logs of Zeek (or Bro), as its TSV or its JSON writer writes them; both give the same. A
/// record of a connection becomes a flow under Zeek's uid, a notice an alert, a count of lost
/// packets a loss, all else a line of the log "zeek PATH". Files of several logs behind each other
/// are read. Source: the headers of the files.
std::unique_ptr<event::EventSource> MakeZeekReader(const ImportOptions& options);

bool LooksLikeZeek(std::string_view first_bytes);

}  // namespace spoor::importers
