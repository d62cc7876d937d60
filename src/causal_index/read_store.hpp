// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "causal_index/flows_part.hpp"
#include "causal_index/index_file.hpp"

namespace spoor::store {
class Store;
}

/// From rows to the files of the index. Internal to this folder.
namespace spoor::causal_index {

/// The terminals of `store`; nothing: there are too many to be named in a query.
Result<std::optional<std::vector<std::int64_t>>> FindTerminals(store::Store& store);

/// All events of `events` that carry a dependence, as a flows file. `events` has at least the rows
/// of io that belong to them. Only flows of `terminals` tell which end was used, where they are
/// known.
Result<std::vector<std::byte>> ReadFlows(store::Store& events,
                                         const std::optional<std::vector<std::int64_t>>& terminals,
                                         const SourceDigest& source);

/// What the tables say of nodes, as a nodes file over `parts`.
Result<std::vector<std::byte>> ReadNodes(store::Store& store, const std::vector<FlowsPart>& parts,
                                         const SourceDigest& source);

}  // namespace spoor::causal_index
