// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "collector/canary_audit.hpp"
#include "collector/completeness.hpp"

namespace spoor::programs {

/// What `spoor verify` says about what is not in the log: the first of it, a line each, to stdout.
void PrintCompleteness(const collector::Completeness& completeness,
                       const collector::CanaryAudit& canaries);

}  // namespace spoor::programs
