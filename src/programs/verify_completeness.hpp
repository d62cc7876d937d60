// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "collector/canary_audit.hpp"
#include "collector/completeness.hpp"

/// What `spoor verify` says about what is not in the log.
namespace spoor::programs {

/// All of it.
nlohmann::json CompletenessJson(const collector::Completeness& completeness,
                                const collector::CanaryAudit& canaries);
/// The first of it, a line each, to stdout.
void PrintCompleteness(const collector::Completeness& completeness,
                       const collector::CanaryAudit& canaries);

}  // namespace spoor::programs
