// SPDX-License-Identifier: Apache-2.0
// A subgraph of one chain: the nodes and flows of the shortest walk, both ends of a connection as
// one node.
#include <algorithm>
#include <unordered_map>

#include "causality/answer.hpp"
#include "causality/trace.hpp"
#include "causality/walk.hpp"

namespace spoor::causality {

Subgraph ShortestWay(Graph& graph, std::span<const std::int64_t> start_ids,
                     std::span<const std::int64_t> end_ids, const TraceOptions& options) {
  Subgraph subgraph;
  const bool forward = options.direction == Direction::kForward;
  subgraph.direction = forward ? Direction::kForward : Direction::kBackward;
  subgraph.from_wall_ns = options.from_wall_ns;
  subgraph.until_wall_ns = options.until_wall_ns;
  for (const RuleDescription& rule : AllRules()) {
    subgraph.rules.push_back({.rule = rule, .enabled = options.rules.Has(rule.rule)});
  }
  const std::vector<NodeIndex> starts = NodesOf(graph, start_ids);
  const std::vector<NodeIndex> ends = NodesOf(graph, end_ids);
  WalkOptions walk = WalkOptionsOf(graph, options, options.rules);
  SetDirection(graph, options, forward, walk);

  std::unordered_map<NodeIndex, std::size_t> places;
  const auto place_of = [&](NodeIndex node) {
    const NodeIndex shown = ShownNode(graph, node);
    const auto [place, added] = places.try_emplace(shown, subgraph.nodes.size());
    if (added) subgraph.nodes.push_back(ShownNodeOf(graph, shown));
    return place->second;
  };
  const Walk found = ShortestWalk(graph, starts, ends, walk);
  subgraph.end = found.end;
  for (const WalkStep& step : found.steps) {
    const std::size_t place = place_of(step.node);
    SubgraphNode& node = subgraph.nodes[place];
    Step made;
    made.node = place;
    if (step.parent == kNoStep) {
      node.is_start = true;
    } else {
      made.parent = subgraph.steps.size() - 1;
      SetFlow(graph, graph.edge(step.via), made);
      const std::size_t before = subgraph.steps.back().node;
      subgraph.edges.push_back({.from = forward ? before : place,
                                .to = forward ? place : before,
                                .kind = made.kind,
                                .count = 1,
                                .begin_ns = made.begin_ns,
                                .end_ns = made.end_ns,
                                .first_event_id = made.event_id,
                                .last_event_id = made.event_id,
                                .skew_ns = graph.SkewOf(graph.edge(step.via))});
    }
    (forward ? node.is_effect : node.is_cause) = true;
    auto& first_step = forward ? node.forward_step : node.backward_step;
    if (!first_step) {
      first_step = subgraph.steps.size();
      node.hops = step.hops;
    }
    subgraph.steps.push_back(made);
  }
  if (subgraph.steps.empty()) {
    for (const NodeIndex start : starts) subgraph.nodes[place_of(start)].is_start = true;
  }
  std::ranges::stable_sort(subgraph.edges, {}, &SubgraphEdge::begin_ns);
  return subgraph;
}

}  // namespace spoor::causality
