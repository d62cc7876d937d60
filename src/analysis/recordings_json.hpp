// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace spoor::wire {
class BatchChain;
}

namespace spoor::analysis {

/// The recordings of hosts that a log or a bundle has, in its order: one object each, without the
/// accounts. Part of what `spoor verify --json` prints.
nlohmann::json RecordingsJson(const wire::BatchChain& recordings);

}  // namespace spoor::analysis
