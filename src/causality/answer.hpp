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
    std::int64_t skew_ns = 0;  ///< of the first
  };
  using EdgeKey = std::tuple<NodeIndex, NodeIndex, event::EventKind>;

  Walk backward, forward;                     ///< empty where the direction was not asked for
  std::map<EdgeKey, Flows> edges;             ///< between shown nodes
  std::unordered_map<NodeIndex, bool> nodes;  ///< shown nodes; value: removed as a helper
  std::size_t node_count = 0;                 ///< not removed
  /// Of its walks the first that was not kAll.
  WalkEnd end() const { return backward.end != WalkEnd::kAll ? backward.end : forward.end; }
};

/// The node that stands for `node`: of the two ends of a connection the one with the lower index.
NodeIndex ShownNode(const Graph& graph, NodeIndex node);

/// The nodes of `ids` that the graph has, both ends of connections.
std::vector<NodeIndex> NodesOf(const Graph& graph, std::span<const std::int64_t> ids);

/// What the walk takes of `options`, but for its direction.
WalkOptions WalkOptionsOf(const Graph& graph, const TraceOptions& options, RuleSet rules);
/// Makes `walk` go forward or not, and leave its starts when `options` says.
void SetDirection(const Graph& graph, const TraceOptions& options, bool forward, WalkOptions& walk);

/// What the index says of a node that is shown.
SubgraphNode ShownNodeOf(const Graph& graph, NodeIndex node);
/// Gives `step` the flow `edge`.
void SetFlow(const Graph& graph, const Edge& edge, Step& step);

Answer AnswerOf(Graph& graph, std::span<const NodeIndex> starts, const TraceOptions& options,
                RuleSet rules);

}  // namespace spoor::causality
