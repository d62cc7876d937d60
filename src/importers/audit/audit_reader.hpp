// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "event/event_source.hpp"
#include "importers/text/import_options.hpp"

namespace spoor::importers {

/// Reads the records of the Linux audit system: audit.log as it is, enriched, or in lines of
/// syslog; and, a JSON object a line, events as auditbeat, LAUREL and auoms write them. What
/// becomes of them: audit_translator.hpp. Source: the audit daemon's documentation of its log
/// format.
std::unique_ptr<event::EventSource> MakeAuditReader(const ImportOptions& options);

bool LooksLikeAudit(std::string_view first_bytes);

}  // namespace spoor::importers
