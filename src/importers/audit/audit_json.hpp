// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "importers/audit/audit_event.hpp"
#include "importers/text/json_line.hpp"

namespace spoor::importers {

/// One event of the audit system as auditbeat writes it to its output. None: another object.
std::optional<AuditEvent> AuditEventOfAuditbeat(JsonObject object);
bool LooksLikeAuditbeat(JsonObject object);

/// The same as LAUREL writes it.
std::optional<AuditEvent> AuditEventOfLaurel(JsonObject object);
bool LooksLikeLaurel(JsonObject object);

/// The same as the collector of Microsoft (auoms) writes it to its outputs: records that it joined,
/// beside each other in one object or in a list.
std::optional<AuditEvent> AuditEventOfAuoms(JsonObject object);
bool LooksLikeAuoms(JsonObject object);

/// The records of one event as go-audit writes them, each as a line of audit.log. Empty: another
/// object.
std::vector<std::string> AuditLinesOfGoAudit(JsonObject object);

}  // namespace spoor::importers
