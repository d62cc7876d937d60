// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "causality/graph.hpp"

/// Which request each flow of a process belongs to. Internal to this folder; the definition is in
/// docs/pruning.md (latest_input, terminal_sides).
namespace spoor::causality {

/// The graph while it is built: edges after writes to one end of a connection were directed to the
/// other.
struct InputSource {
  std::vector<Edge>& edges;
  const std::vector<std::uint32_t>& tids;  ///< by edge
  const std::vector<bool>& moved_nothing;  ///< by edge
  const std::vector<NodeType>& types;
  const std::vector<NodeFlags>& node_flags;
  const std::vector<NodeIndex>& peers;
};

/// Fills `input`, `to_accepted` and `relayed` of the flows `in` to and `out` of one process, and
/// says in `flags` whether a rule splits it.
void MarkInputs(const InputSource& source, std::span<const EdgeIndex> in,
                std::span<const EdgeIndex> out, NodeFlags& flags);

}  // namespace spoor::causality
