// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "event/event_source.hpp"
#include "importers/text/import_options.hpp"

namespace spoor::importers {

/// Reads flow records as `ra -c ,` of Argus writes them, with a line of column names first. A
/// status record is a part of its flow. Bytes are of whole frames. Source: the manual of ra.
std::unique_ptr<event::EventSource> MakeArgusReader(const ImportOptions& options);
bool LooksLikeArgus(std::string_view first_bytes);

/// Reads flow records as `nfdump -o csv` writes them: each direction is a record. Their bytes are
/// of IP packets, which no column of flow has. Source: the manual of nfdump.
std::unique_ptr<event::EventSource> MakeNfdumpReader(const ImportOptions& options);
bool LooksLikeNfdump(std::string_view first_bytes);

}  // namespace spoor::importers
