// SPDX-License-Identifier: Apache-2.0
#include "causality/walk.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <tuple>

#include "causality/graph_for_test.hpp"

namespace spoor::causality {
namespace {

using event::EventKind;

/// A random history: processes 1.., objects 101.., times 0..kMoments-1.
constexpr std::int64_t kMoments = 12;

struct History {
  std::vector<Flow> flows;
  std::map<std::int64_t, NodeType> types;
  std::map<std::int64_t, std::int64_t> peers;
  std::set<std::int64_t> remote, inbound, outbound;
};

History RandomHistory(std::mt19937& random) {
  const auto pick = [&random](std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random);
  };
  History history;
  const std::int64_t process_count = pick(1, 3);
  const std::int64_t object_count = pick(2, 4);
  for (std::int64_t process = 1; process <= process_count; ++process) {
    history.types[process] = NodeType::kProcess;
  }
  for (std::int64_t object = 101; object <= 100 + object_count; ++object) {
    constexpr NodeType kTypes[] = {NodeType::kSocket, NodeType::kSocket, NodeType::kPty,
                                   NodeType::kPipe, NodeType::kFile};
    history.types[object] = kTypes[pick(0, 4)];
    if (history.types[object] == NodeType::kSocket && pick(0, 1) == 0) {
      history.remote.insert(object);
    }
    if (history.types[object] != NodeType::kSocket) continue;
    const std::int64_t direction = pick(0, 3);
    if (direction == 0) history.inbound.insert(object);
    if (direction == 1) history.outbound.insert(object);
  }
  if (object_count >= 2 && pick(0, 3) == 0 && history.types[101] == NodeType::kSocket &&
      history.types[102] == NodeType::kSocket) {
    history.peers = {{101, 102}, {102, 101}};
    history.remote.clear();
  }
  const std::int64_t flow_count = pick(1, 16);
  for (std::int64_t event_id = 1; event_id <= flow_count; ++event_id) {
    Flow flow{.event_id = event_id, .tid = pick(1, 2)};
    flow.begin_ns = pick(0, kMoments - 1);
    flow.end_ns = std::min(kMoments - 1, flow.begin_ns + pick(0, 4));
    const std::int64_t process = pick(1, process_count);
    const std::int64_t object = pick(101, 100 + object_count);
    const NodeType type = history.types[object];
    if (type == NodeType::kPty) flow.side = static_cast<PtySide>(pick(0, 2));
    switch (pick(0, 6)) {
      case 0:
        flow.from_id = process;
        flow.to_id = pick(1, process_count);
        flow.kind = EventKind::kFork;
        flow.side = PtySide::kUnknown;
        break;
      case 1:
      case 2:
      case 3:
        flow.from_id = object;
        flow.to_id = process;
        flow.kind =
            type == NodeType::kSocket && pick(0, 2) == 0 ? EventKind::kAccept : EventKind::kRead;
        flow.moved_nothing = pick(0, 5) == 0;
        break;
      default:
        flow.from_id = process;
        flow.to_id = object;
        flow.kind =
            type == NodeType::kSocket && pick(0, 5) == 0 ? EventKind::kConnect : EventKind::kWrite;
    }
    if (flow.from_id != flow.to_id) history.flows.push_back(flow);
  }
  return history;
}

/// The definition, written down as slowly as possible: (flow, moment) reaches (next flow, moment
/// not earlier) when the rules let a process or terminal hand one on to the other.
class BruteForce {
 public:
  BruteForce(const History& history, RuleSet rules) : history_(history), rules_(rules) {
    flows_ = history.flows;
    for (Flow& flow : flows_) {
      const auto peer = history.peers.find(flow.to_id);
      if (peer != history.peers.end()) flow.to_id = peer->second;
    }
    for (const auto& [id, type] : history.types) {
      if (type == NodeType::kProcess) FollowRequests(id);
    }
  }

  /// Ids of events on some chain that ends in `target` at `until` or before.
  std::set<std::int64_t> Backward(std::int64_t target, std::int64_t until) const {
    std::set<std::pair<std::size_t, std::int64_t>> reaching;
    for (bool changed = true; changed;) {
      changed = false;
      for (std::size_t flow = 0; flow < flows_.size(); ++flow) {
        for (std::int64_t t = flows_[flow].begin_ns; t <= flows_[flow].end_ns && t <= until; ++t) {
          if (reaching.contains({flow, t})) continue;
          const bool arrives =
              flows_[flow].to_id == target || std::ranges::any_of(reaching, [&](const auto& later) {
                return later.second >= t && HandsOn(flow, later.first);
              });
          if (arrives) changed = reaching.insert({flow, t}).second;
        }
      }
    }
    return EventIds(reaching);
  }

  std::set<std::int64_t> Forward(std::int64_t source, std::int64_t from) const {
    std::set<std::pair<std::size_t, std::int64_t>> reached;
    for (bool changed = true; changed;) {
      changed = false;
      for (std::size_t flow = 0; flow < flows_.size(); ++flow) {
        for (std::int64_t t = std::max(from, flows_[flow].begin_ns); t <= flows_[flow].end_ns;
             ++t) {
          if (reached.contains({flow, t})) continue;
          const bool leaves = flows_[flow].from_id == source ||
                              std::ranges::any_of(reached, [&](const auto& earlier) {
                                return earlier.second <= t && HandsOn(earlier.first, flow);
                              });
          if (leaves) changed = reached.insert({flow, t}).second;
        }
      }
    }
    return EventIds(reached);
  }

  /// The number of flows of the shortest chain from `source` to `target` that leaves at `from` or
  /// later; none: nothing.
  std::optional<std::size_t> ShortestForward(std::int64_t source, std::int64_t target,
                                             std::int64_t from) const {
    std::set<std::pair<std::size_t, std::int64_t>> reached, last;
    for (std::size_t length = 1;; ++length) {
      std::set<std::pair<std::size_t, std::int64_t>> next;
      for (std::size_t flow = 0; flow < flows_.size(); ++flow) {
        for (std::int64_t t = std::max(from, flows_[flow].begin_ns); t <= flows_[flow].end_ns;
             ++t) {
          const bool leaves = length == 1
                                  ? flows_[flow].from_id == source
                                  : std::ranges::any_of(last, [&](const auto& earlier) {
                                      return earlier.second <= t && HandsOn(earlier.first, flow);
                                    });
          if (leaves && !reached.contains({flow, t})) next.insert({flow, t});
        }
      }
      if (next.empty()) return std::nullopt;
      for (const auto& [flow, t] : next) {
        if (flows_[flow].to_id == target) return length;
      }
      reached.insert(next.begin(), next.end());
      last = std::move(next);
    }
  }

 private:
  std::set<std::int64_t> EventIds(
      const std::set<std::pair<std::size_t, std::int64_t>>& pairs) const {
    std::set<std::int64_t> ids;
    for (const auto& [flow, moment] : pairs) ids.insert(flows_[flow].event_id);
    return ids;
  }

  NodeType TypeOf(std::int64_t id) const { return history_.types.at(id); }

  bool IsConnection(const Flow& flow) const {
    const NodeType type = TypeOf(flow.from_id);
    const bool input = flow.kind == EventKind::kRead || flow.kind == EventKind::kAccept;
    return input && (type == NodeType::kSocket || type == NodeType::kPipe ||
                     (type == NodeType::kPty && flow.side == PtySide::kMaster));
  }

  // What the other end of a flow is to the process: its own end of a connection.
  std::int64_t OwnEnd(const Flow& out) const {
    const auto peer = history_.peers.find(out.to_id);
    return peer == history_.peers.end() ? out.to_id : peer->second;
  }

  // Of one process: which request each flow belongs to, and what it relays.
  void FollowRequests(std::int64_t process) {
    std::vector<std::size_t> steps;
    for (std::size_t flow = 0; flow < flows_.size(); ++flow) {
      if (flows_[flow].from_id == process ||
          (flows_[flow].to_id == process && IsConnection(flows_[flow]))) {
        steps.push_back(flow);
      }
    }
    std::ranges::sort(steps, {}, [this](std::size_t flow) {
      return std::pair(flows_[flow].end_ns, flows_[flow].event_id);
    });
    std::set<std::int64_t> accepted, asked, requests, seen;
    bool on_terminal = false;
    for (const Flow& flow : flows_) {
      if (flow.to_id != process) continue;
      if (flow.kind == EventKind::kAccept) accepted.insert(flow.from_id);
      on_terminal |= TypeOf(flow.from_id) == NodeType::kPty && flow.side != PtySide::kMaster;
    }
    for (const std::size_t step : steps) {
      const Flow& flow = flows_[step];
      const bool out = flow.from_id == process;
      const std::int64_t end = out ? OwnEnd(flow) : flow.from_id;
      const bool first = seen.insert(end).second;
      if (TypeOf(end) != NodeType::kSocket) continue;
      if (history_.outbound.contains(end) || flow.kind == EventKind::kConnect) asked.insert(end);
      if (first && out && !history_.inbound.contains(end) && !accepted.contains(end)) {
        asked.insert(end);
      }
    }
    std::set<std::int64_t> heard;
    for (const std::size_t step : steps) {
      const Flow& flow = flows_[step];
      if (flow.from_id == process || TypeOf(flow.from_id) != NodeType::kSocket) continue;
      if (on_terminal && asked.contains(flow.from_id)) relayed_[step] = flow.from_id;
      if (asked.contains(flow.from_id)) heard.insert(flow.from_id);
      if (!flow.moved_nothing && !asked.contains(flow.from_id)) requests.insert(flow.from_id);
    }
    for (const std::size_t step : steps) {
      const Flow& flow = flows_[step];
      if (flow.from_id == process && on_terminal && heard.contains(OwnEnd(flow))) {
        relayed_[step] = OwnEnd(flow);
      }
    }
    if (requests.size() < 2) return;
    std::map<std::int64_t, std::int64_t> current;              // by thread
    std::map<std::int64_t, std::set<std::int64_t>> asked_for;  // since the last reply
    std::map<std::int64_t, std::int64_t> reply_to;
    for (const std::size_t step : steps) {
      const Flow& flow = flows_[step];
      if (flow.from_id == process) {
        const std::int64_t request = unit_[step] = current[flow.tid];
        if (accepted.contains(OwnEnd(flow))) also_answers_[step] = OwnEnd(flow);
        if (TypeOf(flow.to_id) == NodeType::kProcess) continue;
        std::set<std::int64_t>& waiting = asked_for[OwnEnd(flow)];
        waiting.insert(waiting.empty() || waiting == std::set{request} ? request : 0);
        reply_to[OwnEnd(flow)] = waiting == std::set{request} ? request : 0;
        continue;
      }
      const bool is_request = requests.contains(flow.from_id);
      unit_[step] = is_request                        ? flow.from_id
                    : reply_to.contains(flow.from_id) ? reply_to[flow.from_id]
                                                      : current[flow.tid];
      if (flow.moved_nothing) continue;
      asked_for[flow.from_id].clear();
      current[flow.tid] = unit_[step];
    }
  }

  bool HandsOn(std::size_t earlier, std::size_t later) const {
    const Flow& in = flows_[earlier];
    const Flow& out = flows_[later];
    if (in.to_id != out.from_id) return false;
    if (TypeOf(in.to_id) != NodeType::kProcess) {
      if (history_.remote.contains(in.to_id) && rules_.Has(Rule::kRemoteReplies)) return false;
      return !rules_.Has(Rule::kTerminalSides) || in.side != PtySide::kSlave ||
             out.side != PtySide::kSlave;
    }
    if (!IsConnection(in)) return true;
    if (rules_.Has(Rule::kTerminalSides)) {
      const bool types = TypeOf(out.to_id) == NodeType::kPty && out.side == PtySide::kMaster;
      if (types && TypeOf(in.from_id) == NodeType::kPty) return false;
      if (relayed_.contains(later) && relayed_.contains(earlier) &&
          relayed_.at(later) == relayed_.at(earlier)) {
        return false;
      }
    }
    if (!rules_.Has(Rule::kLatestInput)) return true;
    const std::int64_t given = UnitOf(earlier);
    const std::int64_t asked = UnitOf(later);
    return given == 0 || asked == 0 || given == asked ||
           (also_answers_.contains(later) && also_answers_.at(later) == given);
  }

  // 0: none, or not known.
  std::int64_t UnitOf(std::size_t flow) const {
    const auto unit = unit_.find(flow);
    return unit == unit_.end() ? 0 : unit->second;
  }

  const History& history_;
  RuleSet rules_;
  std::vector<Flow> flows_;
  std::map<std::size_t, std::int64_t> unit_, also_answers_, relayed_;  // by index of the flow
};

/// The flows of a history in several segments, whichever falls to which.
Graph GraphOf(const History& history, std::mt19937& random) {
  const std::size_t segment_count = std::uniform_int_distribution<std::size_t>(1, 4)(random);
  GraphBuilder builder(segment_count, [&random, segment_count] {
    return std::uniform_int_distribution<std::size_t>(0, segment_count - 1)(random);
  });
  for (const auto& [id, type] : history.types) {
    builder.AddNode(id, type,
                    {.remote = history.remote.contains(id),
                     .inbound = history.inbound.contains(id),
                     .outbound = history.outbound.contains(id)});
  }
  for (const auto& [one, other] : history.peers) builder.AddPeers(one, other);
  for (const Flow& flow : history.flows) builder.AddFlow(flow);
  return builder.Build();
}

std::set<std::int64_t> EventsOfWalk(Graph& graph, std::int64_t start, const WalkOptions& options) {
  const NodeIndex node = *graph.Find(start);
  const Walk walk = WalkFrom(graph, {&node, 1}, options);
  std::set<std::int64_t> ids;
  for (const EdgeIndex edge : walk.edges) {
    EXPECT_TRUE(ids.insert(graph.edge(edge).event_id).second) << "an edge was given twice";
  }
  return ids;
}

void ExpectWalksAreExact(RuleSet rules, unsigned seed, int history_count) {
  std::mt19937 random(seed);
  std::size_t compared_edges = 0;
  for (int round = 0; round < history_count; ++round) {
    const History history = RandomHistory(random);
    Graph graph = GraphOf(history, random);
    const BruteForce brute(history, rules);
    for (const auto& [id, type] : history.types) {
      for (std::int64_t moment = 0; moment < kMoments; moment += 1 + round % 3) {
        const std::set<std::int64_t> backward = brute.Backward(id, moment);
        ASSERT_EQ(EventsOfWalk(graph, id, {.until_ns = moment, .rules = rules}), backward)
            << "backward from " << id << " at " << moment << ", history " << round;
        ASSERT_EQ(EventsOfWalk(graph, id, {.forward = true, .from_ns = moment, .rules = rules}),
                  brute.Forward(id, moment))
            << "forward from " << id << " at " << moment << ", history " << round;
        compared_edges += backward.size();
      }
    }
  }
  EXPECT_GT(compared_edges, 1000u) << "the histories were too empty to show anything";
}

TEST(Walk, EqualsTheVersionedGraphOnRandomHistories) {
  ExpectWalksAreExact(RuleSet::None(), 1, 6000);
}

TEST(Walk, LatestInputEqualsItsDefinitionOnRandomHistories) {
  ExpectWalksAreExact(RuleSet::None().With(Rule::kLatestInput), 2, 6000);
}

TEST(Walk, TerminalSidesEqualTheirDefinitionOnRandomHistories) {
  ExpectWalksAreExact(RuleSet::None().With(Rule::kTerminalSides), 3, 800);
}

TEST(Walk, BothSplittingRulesTogetherEqualTheirDefinition) {
  ExpectWalksAreExact(RuleSet::None().With(Rule::kTerminalSides).With(Rule::kLatestInput), 4, 800);
}

TEST(Walk, TheShortestChainIsTheShortestThatTheRulesAndTimeAllow) {
  std::mt19937 random(6);
  std::size_t longer = 0, none = 0;
  for (int round = 0; round < 1500; ++round) {
    const RuleSet rules = round % 2 == 0
                              ? RuleSet::None()
                              : RuleSet::None().With(Rule::kTerminalSides).With(Rule::kLatestInput);
    const History history = RandomHistory(random);
    Graph graph = GraphOf(history, random);
    const BruteForce brute(history, rules);
    for (const auto& [source, source_type] : history.types) {
      for (const auto& [target, target_type] : history.types) {
        if (source == target) continue;
        const std::int64_t moment = round % kMoments;
        const auto length = brute.ShortestForward(source, target, moment);
        const NodeIndex from = *graph.Find(source);
        const NodeIndex to = *graph.Find(target);
        const std::vector<WalkStep> chain =
            ShortestWalk(graph, {&from, 1}, {&to, 1},
                         {.forward = true, .from_ns = moment, .rules = rules})
                .steps;
        ASSERT_EQ(chain.empty(), !length) << source << " to " << target << ", history " << round;
        if (length) {
          ASSERT_EQ(chain.size(), *length + 1) << "history " << round;
        }
        longer += length && *length > 2 ? 1 : 0;
        none += length ? 0 : 1;
      }
    }
  }
  EXPECT_GT(longer, 100u);
  EXPECT_GT(none, 100u);
}

TEST(Walk, TheShortestChainIsAsLongBackward) {
  std::mt19937 random(7);
  for (int round = 0; round < 1500; ++round) {
    const RuleSet rules = round % 2 == 0
                              ? RuleSet::None()
                              : RuleSet::None().With(Rule::kTerminalSides).With(Rule::kLatestInput);
    Graph graph = GraphOf(RandomHistory(random), random);
    for (NodeIndex from = 0; from < graph.node_count(); ++from) {
      const NodeIndex to = (from + 1) % static_cast<NodeIndex>(graph.node_count());
      if (from == to) continue;
      const auto forward =
          ShortestWalk(graph, {&from, 1}, {&to, 1}, {.forward = true, .rules = rules});
      const auto backward = ShortestWalk(graph, {&to, 1}, {&from, 1}, {.rules = rules});
      ASSERT_EQ(forward.steps.size(), backward.steps.size()) << "history " << round;
    }
  }
}

TEST(Walk, EveryStepHangsOnAnEdgeThatTheMomentsAllow) {
  std::mt19937 random(5);
  for (int round = 0; round < 500; ++round) {
    Graph graph = GraphOf(RandomHistory(random), random);
    const NodeIndex start = 0;
    const Walk walk = WalkFrom(graph, {&start, 1}, {});
    for (const WalkStep& step : walk.steps) {
      if (step.parent == kNoStep) continue;
      const WalkStep& parent = walk.steps[step.parent];
      const Edge& edge = graph.edge(step.via);
      ASSERT_EQ(edge.from, step.node);
      ASSERT_EQ(edge.to, parent.node);
      ASSERT_LE(edge.begin_ns, parent.moment_ns);
      ASSERT_EQ(step.moment_ns, std::min(edge.end_ns, parent.moment_ns));
    }
  }
}

}  // namespace
}  // namespace spoor::causality
