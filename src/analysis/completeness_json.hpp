// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "collector/canary_audit.hpp"
#include "collector/completeness.hpp"

namespace spoor::analysis {

/// All that is not in the log, as `spoor verify --json` says it.
nlohmann::json CompletenessJson(const collector::Completeness& completeness,
                                const collector::CanaryAudit& canaries);

}  // namespace spoor::analysis
