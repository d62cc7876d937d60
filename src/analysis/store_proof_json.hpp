// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "analysis/verify_store.hpp"

namespace spoor::analysis {

/// All of a proof, as `spoor verify --json` says it: one object.
nlohmann::json StoreProofJson(const StoreProof& proof);

}  // namespace spoor::analysis
