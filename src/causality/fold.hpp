// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "causality/trace.hpp"

/// What of a large graph people see before they ask for more.
namespace spoor::causality {

inline constexpr std::size_t kShownUsual = 60;

/// The described `subgraph` with about `shown_max` nodes. Never left out, however many they are:
/// starts, connections with an alert and what their data went to (write, file, read), both ends of
/// what crosses hosts, processes whose user is not their maker's or who became root, programs
/// started by who reads a terminal, the entry points ranked first, and the chains between those
/// with an alert, who became root and the first entry points, and the start. Of the others those
/// nearest to the start are shown. What is left out is counted (hidden_nodes, hidden_edges) and, at
/// the node that it hangs on, in SubgraphNode::folded; chains of steps pass over it.
Subgraph Fold(const Subgraph& subgraph, std::size_t shown_max);

}  // namespace spoor::causality
