// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "causality/trace.hpp"
#include "store/store.hpp"

namespace spoor::analysis {

/// Adds to a described subgraph how processes of it became root, as the question root_transitions
/// tells: of a cause, what was before its last flow of the graph; of an effect, what was after its
/// first. Asks nothing where no process of it gained root's rights. Fails as the store does.
Result<> AddRootSteps(store::Store& store, causality::Subgraph& subgraph);

}  // namespace spoor::analysis
