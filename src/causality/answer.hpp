// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "causality/trace.hpp"
#include "causality/walk.hpp"

/// The step between the walk and the subgraph that is shown: parallel flows summed up, both ends of
/// a connection taken as one, helper processes removed. Internal to this folder.
namespace spoor::causality {

struct Answer {
  struct Flows {
    std::int64_t count = 0;
    std::int64_t begin_ns = 0, end_ns = 0;
    std::int64_t first_event_id = 0, last_event_id = 0;
  };
  using EdgeKey = std::tuple<NodeIndex, NodeIndex, event::EventKind>;

  Walk backward, forward;                     ///< empty where the direction was not asked for
  std::map<EdgeKey, Flows> edges;             ///< between shown nodes
  std::unordered_map<NodeIndex, bool> nodes;  ///< shown nodes; value: removed as a helper
  std::size_t node_count = 0;                 ///< not removed
};

/// The node that stands for `node`: of the two ends of a connection the one with the lower index.
NodeIndex ShownNode(const Graph& graph, NodeIndex node);

Answer AnswerOf(Graph& graph, std::span<const NodeIndex> starts, const TraceOptions& options,
                RuleSet rules);

}  // namespace spoor::causality
