// SPDX-License-Identifier: Apache-2.0
// The flows of a process in the order of time, each thread with the request that it works on. A
// connection that the process was connected to by others brings requests. What the process opened
// or asked on itself brings replies: they belong to the request in whose course it was last asked,
// and the thread goes on with that one.
#include "causality/inputs.hpp"

#include <algorithm>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace spoor::causality {
namespace {

using event::EventKind;

struct Flows {
  const Graph& graph;
  std::deque<Edge>& edges;
  std::span<const EdgeIndex> in, out;

  Edge& edge(EdgeIndex index) const { return edges[index]; }
  bool IsConnection(EdgeIndex index) const {
    return IsConnectionInput(edge(index), graph.type(edge(index).from));
  }
  /// The end of the process itself, of the connection that it writes to.
  NodeIndex OwnEnd(const Edge& to_object) const {
    const NodeIndex peer = graph.peer(to_object.to);
    return peer == kNoNode ? to_object.to : peer;
  }
};

struct Step {
  std::int64_t end_ns;
  std::int64_t event_id;
  EdgeIndex edge;
  bool is_input;
};

/// Inputs from connections, and all flows out, in the order of time.
std::vector<Step> StepsOf(const Flows& flows) {
  std::vector<Step> steps;
  for (const EdgeIndex index : flows.in) {
    const Edge& edge = flows.edge(index);
    if (flows.IsConnection(index)) steps.push_back({edge.end_ns, edge.event_id, index, true});
  }
  for (const EdgeIndex index : flows.out) {
    const Edge& edge = flows.edge(index);
    steps.push_back({edge.end_ns, edge.event_id, index, false});
  }
  std::ranges::sort(steps, [](const Step& a, const Step& b) {
    return std::tie(a.end_ns, a.event_id, b.is_input) < std::tie(b.end_ns, b.event_id, a.is_input);
  });
  return steps;
}

/// Who may ask whom at the connections of a process.
struct Roles {
  std::unordered_set<NodeIndex> accepted;
  std::unordered_set<NodeIndex> asked;     ///< sockets on which the process asks
  std::unordered_set<NodeIndex> requests;  ///< sockets that brought requests
};

Roles RolesOf(const Flows& flows, const std::vector<Step>& steps) {
  Roles roles;
  for (const EdgeIndex index : flows.in) {
    const Edge& edge = flows.edge(index);
    if (edge.kind == EventKind::kAccept) roles.accepted.insert(edge.from);
  }
  std::unordered_set<NodeIndex> seen;
  for (const Step& step : steps) {
    const Edge& edge = flows.edge(step.edge);
    const NodeIndex end = step.is_input ? edge.from : flows.OwnEnd(edge);
    if (flows.graph.type(end) != NodeType::kSocket) continue;
    const NodeFacts facts = flows.graph.facts(end);
    const bool first = seen.insert(end).second;
    const bool opened = edge.kind == EventKind::kConnect || facts.outbound;
    const bool spoke_first =
        first && !step.is_input && !facts.inbound && !roles.accepted.contains(end);
    if (opened || spoke_first) roles.asked.insert(end);
  }
  for (const Step& step : steps) {
    const NodeIndex end = flows.edge(step.edge).from;
    if (!step.is_input || flows.edge(step.edge).moved_nothing) continue;
    if (flows.graph.type(end) == NodeType::kSocket && !roles.asked.contains(end)) {
      roles.requests.insert(end);
    }
  }
  return roles;
}

/// What a reply belongs to: the request in whose course was asked, or none, or one of several.
struct Asking {
  NodeIndex request = kAnyInput;
  bool waiting = false;  ///< no reply came since
};

class Marker {
 public:
  Marker(const Flows& flows, const Roles& roles) : flows_(flows), roles_(roles) {}

  void Mark(const Step& step) {
    Edge& edge = flows_.edge(step.edge);
    const std::uint32_t tid = edge.tid;
    const auto [place, unknown] = current_.try_emplace(tid, kAnyInput);
    NodeIndex& current = place->second;
    if (!step.is_input) {
      edge.input = current;
      const NodeIndex end = flows_.OwnEnd(edge);
      edge.to_accepted = roles_.accepted.contains(end);
      if (flows_.graph.type(end) != NodeType::kProcess) Ask(end, current);
      return;
    }
    const bool is_request = roles_.requests.contains(edge.from);
    const auto asking = asking_.find(edge.from);
    edge.input = is_request                ? edge.from
                 : asking == asking_.end() ? current
                                           : asking->second.request;
    if (edge.moved_nothing) return;
    if (asking != asking_.end()) asking->second.waiting = false;
    current = edge.input;
  }

 private:
  /// Asked in the course of two requests before a reply came: the reply may be for either.
  void Ask(NodeIndex end, NodeIndex request) {
    const auto [place, first] = asking_.try_emplace(end, Asking{request, true});
    if (first) return;
    Asking& asking = place->second;
    asking.request = asking.waiting && asking.request != request ? kAnyInput : request;
    asking.waiting = true;
  }

  const Flows& flows_;
  const Roles& roles_;
  std::unordered_map<std::uint32_t, NodeIndex> current_;  // by thread
  std::unordered_map<NodeIndex, Asking> asking_;          // by connection
};

/// Whether the process stands between a terminal and something that prints on it: a terminal that
/// it drives, or a connection that it opened.
bool MarkRelayed(const Flows& flows, const Roles& roles) {
  bool on_terminal = false, reads_driven = false, writes_driven = false;
  for (const EdgeIndex index : flows.in) {
    const Edge& edge = flows.edge(index);
    if (flows.graph.type(edge.from) != NodeType::kPty) continue;
    (edge.side == PtySide::kMaster ? reads_driven : on_terminal) = true;
  }
  for (const EdgeIndex index : flows.out) {
    const Edge& edge = flows.edge(index);
    writes_driven |= flows.graph.type(edge.to) == NodeType::kPty && edge.side == PtySide::kMaster;
  }
  bool relays = reads_driven && writes_driven;
  if (!on_terminal) return relays;
  std::unordered_set<NodeIndex> heard;
  for (const EdgeIndex index : flows.in) {
    Edge& edge = flows.edge(index);
    if (!roles.asked.contains(edge.from) || !flows.IsConnection(index)) continue;
    edge.relayed = true;
    heard.insert(edge.from);
  }
  for (const EdgeIndex index : flows.out) {
    Edge& edge = flows.edge(index);
    if (!heard.contains(flows.OwnEnd(edge))) continue;
    edge.relayed = true;
    relays = true;
  }
  return relays;
}

}  // namespace

ProcessRoles MarkInputs(const Graph& graph, std::deque<Edge>& edges, std::span<const EdgeIndex> in,
                        std::span<const EdgeIndex> out) {
  const Flows flows{graph, edges, in, out};
  const std::vector<Step> steps = StepsOf(flows);
  const Roles roles = RolesOf(flows, steps);
  const ProcessRoles of_process{.multiplexes = roles.requests.size() > 1,
                                .relays = MarkRelayed(flows, roles)};
  if (!of_process.multiplexes) return of_process;
  Marker marker(flows, roles);
  for (const Step& step : steps) marker.Mark(step);
  return of_process;
}

}  // namespace spoor::causality
