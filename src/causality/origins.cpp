// SPDX-License-Identifier: Apache-2.0
#include "causality/origins.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <queue>
#include <tuple>
#include <unordered_map>

#include "base/saturating.hpp"

namespace spoor::causality {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

bool IsCause(const SubgraphNode& node) {
  return node.is_cause || node.is_start;
}

bool IsEntry(const SubgraphNode& node, bool has_causes) {
  if (!node.is_cause || node.is_start) return false;
  if (node.peer_id != 0 && has_causes) return false;
  if (node.type != NodeType::kProcess) return node.is_network_flow;
  return node.executable.ends_with("/login");
}

/// Earliest arrival from one node, along edges that have not ended by then.
class Reach {
 public:
  explicit Reach(const Subgraph& subgraph) : subgraph_(subgraph), out_(subgraph.nodes.size()) {
    for (const SubgraphEdge& edge : subgraph.edges) {
      if (IsCause(subgraph.nodes[edge.from]) && IsCause(subgraph.nodes[edge.to])) {
        out_[edge.from].push_back(&edge);
      }
    }
  }

  std::size_t CountFrom(std::size_t node) const {
    std::vector<std::int64_t> moments(subgraph_.nodes.size(), kNever);
    using Entry = std::pair<std::int64_t, std::size_t>;
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;
    moments[node] = std::numeric_limits<std::int64_t>::min();
    queue.emplace(moments[node], node);
    std::size_t count = 0;
    while (!queue.empty()) {
      const auto [moment, at] = queue.top();
      queue.pop();
      if (moment != moments[at]) continue;
      if (at != node) ++count;
      for (const SubgraphEdge* edge : out_[at]) {
        if (SaturatingAdd(edge->end_ns, edge->skew_ns) < moment) continue;
        const std::int64_t arrival = std::max(SaturatingAdd(edge->begin_ns, edge->skew_ns), moment);
        if (arrival >= moments[edge->to]) continue;
        moments[edge->to] = arrival;
        queue.emplace(arrival, edge->to);
      }
    }
    return count;
  }

 private:
  const Subgraph& subgraph_;
  std::vector<std::vector<const SubgraphEdge*>> out_;
};

}  // namespace

std::vector<EntryPoint> EntryPointsOf(const Subgraph& subgraph) {
  std::vector<EntryPoint> points;
  if (subgraph.direction == Direction::kForward) return points;
  std::vector<bool> has_causes(subgraph.nodes.size());
  for (const SubgraphEdge& edge : subgraph.edges) {
    if (IsCause(subgraph.nodes[edge.from])) has_causes[edge.to] = true;
  }
  const auto causes = static_cast<std::size_t>(std::ranges::count_if(subgraph.nodes, IsCause));
  for (std::size_t node = 0; node < subgraph.nodes.size(); ++node) {
    if (points.size() == kEntryPointsMax) break;
    if (IsEntry(subgraph.nodes[node], has_causes[node]))
      points.push_back({.node = node, .causes = causes});
  }
  const Reach reach(subgraph);
  for (EntryPoint& point : points) {
    point.descendants = reach.CountFrom(point.node);
    point.first_ns = kNever;
  }
  std::unordered_map<std::size_t, EntryPoint*> by_node;
  for (EntryPoint& point : points) by_node[point.node] = &point;
  for (const SubgraphEdge& edge : subgraph.edges) {
    for (const std::size_t end : {edge.from, edge.to}) {
      const auto found = by_node.find(end);
      if (found == by_node.end()) continue;
      found->second->first_ns = std::min(found->second->first_ns, edge.begin_ns);
    }
  }
  std::ranges::stable_sort(points, {}, [&](const EntryPoint& point) {
    const SubgraphNode& node = subgraph.nodes[point.node];
    const bool opened_here = node.is_network_flow && !node.is_inbound;
    const std::size_t weight = point.descendants * (opened_here ? 1 : 2);
    return std::tuple(std::numeric_limits<std::size_t>::max() - weight, point.first_ns);
  });
  return points;
}

std::vector<CommonOrigin> CommonOriginsOf(std::span<const Subgraph> subgraphs) {
  std::vector<CommonOrigin> origins;
  if (subgraphs.empty()) return origins;
  std::vector<std::unordered_map<std::int64_t, std::uint32_t>> hops(subgraphs.size());
  for (std::size_t i = 0; i < subgraphs.size(); ++i) {
    for (const SubgraphNode& node : subgraphs[i].nodes) {
      if (IsCause(node)) hops[i][node.id] = node.hops;
    }
  }
  for (std::size_t node = 0; node < subgraphs[0].nodes.size(); ++node) {
    CommonOrigin origin{.node = node, .hops = {}};
    for (const auto& known : hops) {
      const auto found = known.find(subgraphs[0].nodes[node].id);
      if (found != known.end()) origin.hops.push_back(found->second);
    }
    if (origin.hops.size() == subgraphs.size()) origins.push_back(std::move(origin));
  }
  std::ranges::stable_sort(origins, {}, [](const CommonOrigin& origin) {
    return std::pair(std::ranges::max(origin.hops),
                     std::accumulate(origin.hops.begin(), origin.hops.end(), std::uint64_t{0}));
  });
  return origins;
}

}  // namespace spoor::causality
