// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <span>

#include "causality/graph.hpp"

/// Which request each flow of a process belongs to. Internal to this folder; the definition is in
/// docs/pruning.md (latest_input, terminal_sides).
namespace spoor::causality {

/// Fills `input`, `to_accepted` and `relayed` of the flows `in` to and `out` of one process, which
/// are among `edges` of `graph`, and says whether a rule splits it.
ProcessRoles MarkInputs(const Graph& graph, std::deque<Edge>& edges, std::span<const EdgeIndex> in,
                        std::span<const EdgeIndex> out);

}  // namespace spoor::causality
