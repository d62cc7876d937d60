// SPDX-License-Identifier: Apache-2.0
#include "causality/answer.hpp"

#include <algorithm>
#include <set>

#include "base/saturating.hpp"

namespace spoor::causality {
namespace {

void AddEdges(const Graph& graph, const Walk& walk, std::vector<bool>& taken, Answer& answer) {
  taken.resize(graph.read_edge_count());
  for (const EdgeIndex index : walk.edges) {
    if (taken[index]) continue;
    taken[index] = true;
    const Edge& edge = graph.edge(index);
    Answer::Flows& flows =
        answer.edges[{ShownNode(graph, edge.from), ShownNode(graph, edge.to), edge.kind}];
    const std::int64_t begin_ns = SaturatingSub(edge.begin_ns, graph.SkewOf(edge));
    const std::int64_t end_ns = SaturatingSub(edge.end_ns, graph.SkewOf(edge));
    if (flows.count == 0 || begin_ns < flows.begin_ns) {
      flows.begin_ns = begin_ns;
      flows.first_event_id = edge.event_id;
      flows.skew_ns = graph.SkewOf(edge);
    }
    if (flows.count == 0 || end_ns >= flows.end_ns) {
      flows.end_ns = end_ns;
      flows.last_event_id = edge.event_id;
    }
    ++flows.count;
  }
}

/// Rule helper_processes: removes helpers, the one with the lowest index first, until there is
/// none. Only what lies around a removed node can become a helper by it, so that only that is
/// looked at again.
class HelperFilter {
 public:
  HelperFilter(const Graph& graph, std::span<const NodeIndex> starts, Answer& answer)
      : graph_(graph), answer_(answer) {
    for (const NodeIndex start : starts) starts_.insert(ShownNode(graph, start));
    for (const auto& [key, flows] : answer_.edges) {
      const auto& [from, to, kind] = key;
      neighbours_[from].after.insert(to);
      neighbours_[to].before.insert(from);
    }
    for (const auto& [node, around] : neighbours_) LookAt(node);
  }

  void Run() {
    while (!candidates_.empty()) {
      const NodeIndex node = *candidates_.begin();
      candidates_.erase(candidates_.begin());
      RemoveIfHelper(node);
    }
    std::erase_if(answer_.edges, [this](const auto& edge) {
      return answer_.nodes[std::get<0>(edge.first)] || answer_.nodes[std::get<1>(edge.first)];
    });
  }

 private:
  struct Neighbours {
    std::set<NodeIndex> before, after;
    /// False as soon as `visit` says false of one of them.
    template <typename Visit>
    bool All(Visit&& visit) const {
      return std::ranges::all_of(before, visit) && std::ranges::all_of(after, visit);
    }
  };

  void LookAt(NodeIndex node) {
    if (graph_.type(node) == NodeType::kProcess && !starts_.contains(node)) {
      candidates_.insert(node);
    }
  }

  void RemoveIfHelper(NodeIndex node) {
    const Neighbours& around = neighbours_[node];
    NodeIndex partner = kNoNode;
    std::set<NodeIndex> pipes;
    const auto is_partner = [&partner](NodeIndex process) {
      if (partner == kNoNode) partner = process;
      return partner == process;
    };
    const bool only_partner = around.All([&](NodeIndex next) {
      if (graph_.type(next) == NodeType::kProcess) return is_partner(next);
      if (graph_.type(next) != NodeType::kPipe || starts_.contains(next)) return false;
      pipes.insert(next);
      return neighbours_[next].All(
          [&](NodeIndex beyond) { return beyond == node || is_partner(beyond); });
    });
    if (!only_partner) return;
    const auto gives_to_partner = [&](const std::set<NodeIndex>& nodes, auto Neighbours::*side) {
      return nodes.contains(partner) || std::ranges::any_of(pipes, [&](NodeIndex pipe) {
               return nodes.contains(pipe) && (neighbours_[pipe].*side).contains(partner);
             });
    };
    if (partner == kNoNode || !gives_to_partner(around.before, &Neighbours::before) ||
        !gives_to_partner(around.after, &Neighbours::after)) {
      return;
    }
    for (const NodeIndex pipe : pipes) Remove(pipe);
    Remove(node);
    LookAt(partner);
  }

  /// What may become a helper by it is the partner alone: nothing else is near.
  void Remove(NodeIndex node) {
    answer_.nodes[node] = true;
    const auto around = neighbours_.extract(node);
    for (const NodeIndex next : around.mapped().before) neighbours_[next].after.erase(node);
    for (const NodeIndex next : around.mapped().after) neighbours_[next].before.erase(node);
  }

  const Graph& graph_;
  Answer& answer_;
  std::set<NodeIndex> starts_;
  std::map<NodeIndex, Neighbours> neighbours_;
  std::set<NodeIndex> candidates_;  // to be looked at
};

}  // namespace

NodeIndex ShownNode(const Graph& graph, NodeIndex node) {
  const NodeIndex peer = graph.peer(node);
  return peer == kNoNode ? node : std::min(node, peer);
}

std::vector<NodeIndex> NodesOf(const Graph& graph, std::span<const std::int64_t> ids) {
  std::vector<NodeIndex> nodes;
  for (const std::int64_t id : ids) {
    const std::optional<NodeIndex> node = graph.Find(id);
    if (!node) continue;
    nodes.push_back(*node);
    // Both ends of a connection are the connection.
    if (graph.peer(*node) != kNoNode) nodes.push_back(graph.peer(*node));
  }
  return nodes;
}

WalkOptions WalkOptionsOf(const Graph& graph, const TraceOptions& options, RuleSet rules) {
  WalkOptions walk{.from_ns = options.from_wall_ns.value_or(kEarliest),
                   .until_ns = options.until_wall_ns.value_or(kLatest),
                   .rules = rules};
  walk.steps_max = options.budget.steps_max;
  walk.hops_max = options.hops_max;
  walk.stop = options.budget.stop;
  if (options.host_ids.empty()) return walk;
  for (const causal_index::BootClock& clock : graph.index().nodes().boots()) {
    walk.clocks.push_back(std::ranges::find(options.host_ids, clock.boot.host_id) !=
                          options.host_ids.end());
  }
  return walk;
}

void SetDirection(const Graph& graph, const TraceOptions& options, bool forward,
                  WalkOptions& walk) {
  walk.forward = forward;
  walk.leaves_ns.clear();
  for (const auto& [id, moment_ns] :
       forward ? options.effects_from_wall_ns : options.causes_until_wall_ns) {
    const std::optional<NodeIndex> start = graph.Find(id);
    if (start) walk.leaves_ns[*start] = moment_ns;
  }
}

SubgraphNode ShownNodeOf(const Graph& graph, NodeIndex node) {
  SubgraphNode shown;
  const NodeIndex peer = graph.peer(node);
  shown.id = graph.id(node);
  shown.peer_id = peer == kNoNode ? 0 : graph.id(peer);
  shown.type = graph.type(node);
  return shown;
}

void SetFlow(const Graph& graph, const Edge& edge, Step& step) {
  step.event_id = edge.event_id;
  step.kind = edge.kind;
  step.begin_ns = SaturatingSub(edge.begin_ns, graph.SkewOf(edge));
  step.end_ns = SaturatingSub(edge.end_ns, graph.SkewOf(edge));
}

Answer AnswerOf(Graph& graph, std::span<const NodeIndex> starts, const TraceOptions& options,
                RuleSet rules) {
  Answer answer;
  WalkOptions walk = WalkOptionsOf(graph, options, rules);
  std::vector<bool> taken;
  if (options.direction != Direction::kForward) {
    SetDirection(graph, options, false, walk);
    answer.backward = WalkFrom(graph, starts, walk);
    AddEdges(graph, answer.backward, taken, answer);
  }
  if (options.direction != Direction::kBackward) {
    SetDirection(graph, options, true, walk);
    answer.forward = WalkFrom(graph, starts, walk);
    AddEdges(graph, answer.forward, taken, answer);
  }
  for (const Walk* done : {&answer.backward, &answer.forward}) {
    for (const WalkStep& step : done->steps) answer.nodes[ShownNode(graph, step.node)] = false;
  }
  if (rules.Has(Rule::kHelperProcesses)) HelperFilter(graph, starts, answer).Run();
  answer.node_count = static_cast<std::size_t>(
      std::ranges::count_if(answer.nodes, [](const auto& node) { return !node.second; }));
  return answer;
}

}  // namespace spoor::causality
