// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "event/event_source.hpp"
#include "importers/text/import_options.hpp"

/// What agents on hosts write for their servers, JSON lines.
namespace spoor::importers {

/// alerts.json and archives.json of Wazuh: what a rule says is an alert, and the line of the log
/// that it is about (full_log) a line of that host's log as well. Source: its documentation.
std::unique_ptr<event::EventSource> MakeWazuhReader(const ImportOptions& options);
bool LooksLikeWazuh(std::string_view first_bytes);

/// osqueryd.results.log: each row of a scheduled query, and each snapshot, is a line of
/// "osquery QUERY". Source: its documentation.
std::unique_ptr<event::EventSource> MakeOsqueryReader(const ImportOptions& options);
bool LooksLikeOsquery(std::string_view first_bytes);

}  // namespace spoor::importers
