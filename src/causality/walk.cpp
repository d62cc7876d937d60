// SPDX-License-Identifier: Apache-2.0
// Best-first search over moments. Backward, a node's moment is the latest at which what it held can
// still have reached the start: an edge into it counts if it began no later, and hands the earlier
// of its own end and that moment on. The queue pops the latest moment first, handed-on moments are
// never later, so the first pop of a node is final (Dijkstra). Forward is the mirror image.
//
// Nodes that a rule splits (a multiplexing process by connection, a terminal by side,
// a remote connection by direction) are walked as
// several states (node, key). Edges into such a node belong to a class (a connection, or common to
// all), edges out of it ask for a class (a connection and what is common, or any). Common edges are
// looked at by the first state popped only: its moment is the best.
#include "causality/walk.hpp"

#include <algorithm>
#include <queue>
#include <unordered_map>
#include <unordered_set>

namespace spoor::causality {
namespace {

// Keys besides kAnyInput and indexes of connections.
constexpr NodeIndex kCommon = 0xfffffffe;  // class of edges that every state shares
// Class of what programs print on their terminal or send to a remote end …
constexpr NodeIndex kOutput = 0xfffffffd;
// … which those that read there do not get back: they ask for what is common only.
constexpr NodeIndex kNothingSpecial = 0xfffffffc;

struct Candidate {
  std::int64_t rank;  // smaller is popped first
  NodeIndex node;
  NodeIndex key;
  std::uint32_t parent;
  EdgeIndex via;
  bool operator<(const Candidate& other) const { return rank > other.rank; }
};

struct SplitNode {
  std::vector<EdgeIndex> common;
  std::unordered_map<NodeIndex, std::vector<EdgeIndex>> by_key;
  bool common_walked = false;
};

class Walker {
 public:
  Walker(const Graph& graph, std::span<const NodeIndex> starts, const WalkOptions& options)
      : graph_(graph),
        options_(options),
        starts_(starts.begin(), starts.end()),
        edge_taken_(graph.edge_count()) {}

  Walk Run() {
    const std::int64_t moment = options_.forward ? options_.from_ns : options_.until_ns;
    for (const NodeIndex start : starts_) Push(start, kAnyInput, moment, kNoStep, 0);
    while (!queue_.empty()) {
      const Candidate next = queue_.top();
      queue_.pop();
      Settle(next);
    }
    return std::move(walk_);
  }

 private:
  // ~x turns latest-first into smallest-first without overflow at the ends of the range.
  std::int64_t Rank(std::int64_t moment_ns) const {
    return options_.forward ? moment_ns : ~moment_ns;
  }

  bool IsSplit(NodeIndex node) const {
    const NodeFlags flags = graph_.flags(node);
    if (graph_.type(node) == NodeType::kProcess) {
      return flags.multiplexes && options_.rules.Has(Rule::kLatestInput);
    }
    if (flags.remote) return options_.rules.Has(Rule::kRemoteReplies);
    return flags.has_pty_sides && options_.rules.Has(Rule::kTerminalSides);
  }

  bool IsBlocked(NodeIndex node) const {
    const NodeType type = graph_.type(node);
    if (type == NodeType::kProcess || starts_.contains(node)) return false;
    const NodeFlags flags = graph_.flags(node);
    if (flags.noise && options_.rules.Has(Rule::kNoiseObjects)) return true;
    if ((type != NodeType::kFile && type != NodeType::kOther) || !graph_.EdgesIn(node).empty()) {
      return false;
    }
    return options_.rules.Has(flags.executed ? Rule::kOwnExecImage : Rule::kReadOnlyFiles);
  }

  NodeIndex ClassInto(const Edge& edge) const {
    if (graph_.type(edge.to) != NodeType::kProcess) {
      return graph_.flags(edge.to).remote || edge.side == PtySide::kSlave ? kOutput : kCommon;
    }
    return IsConnectionInput(edge, graph_.type(edge.from)) ? edge.from : kCommon;
  }

  NodeIndex KeyAskedBy(const Edge& edge) const {
    if (graph_.type(edge.from) == NodeType::kProcess) return edge.input;
    const bool input_only = graph_.flags(edge.from).remote || edge.side == PtySide::kSlave;
    return input_only ? kNothingSpecial : kAnyInput;
  }

  // The accepted connection that `edge` answers on, or kNoNode.
  NodeIndex Answered(const Edge& edge) const {
    if (!edge.to_accepted) return kNoNode;
    const NodeIndex peer = graph_.peer(edge.to);
    return peer == kNoNode ? edge.to : peer;
  }

  void Push(NodeIndex node, NodeIndex key, std::int64_t moment_ns, std::uint32_t parent,
            EdgeIndex via) {
    if (settled_.contains(StateOf(node, key)) || settled_.contains(StateOf(node, kAnyInput)))
      return;
    // Only a better moment than the best one waiting is worth a place in the queue.
    const std::int64_t rank = Rank(moment_ns);
    const auto [best, added] = waiting_.try_emplace(StateOf(node, key), rank);
    if (!added) {
      if (best->second <= rank) return;
      best->second = rank;
    }
    queue_.push({rank, node, key, parent, via});
  }

  static std::uint64_t StateOf(NodeIndex node, NodeIndex key) {
    return std::uint64_t{node} << 32 | key;
  }

  void Settle(const Candidate& state) {
    if (settled_.contains(StateOf(state.node, kAnyInput))) return;
    if (!settled_.insert(StateOf(state.node, state.key)).second) return;
    const std::int64_t moment = options_.forward ? state.rank : ~state.rank;
    const std::uint32_t hops = state.parent == kNoStep ? 0 : walk_.steps[state.parent].hops + 1;
    const auto step = static_cast<std::uint32_t>(walk_.steps.size());
    walk_.steps.push_back({state.node, state.parent, state.via, moment, hops});
    if (state.key == kAnyInput) {
      const std::span<const EdgeIndex> all =
          options_.forward ? graph_.EdgesOut(state.node) : graph_.EdgesIn(state.node);
      WalkEdges(all, moment, step);
      return;
    }
    SplitNode& split = Split(state.node);
    if (!split.common_walked) {
      split.common_walked = true;
      WalkEdges(split.common, moment, step);
    }
    const auto own = split.by_key.find(state.key);
    if (own != split.by_key.end()) WalkEdges(own->second, moment, step);
  }

  // Groups keep the order of the adjacency list, so that a prefix is enough there too.
  SplitNode& Split(NodeIndex node) {
    const auto [place, added] = split_.try_emplace(node);
    SplitNode& split = place->second;
    if (!added) return split;
    if (!options_.forward) {
      for (const EdgeIndex index : graph_.EdgesIn(node)) {
        const NodeIndex edge_class = ClassInto(graph_.edge(index));
        (edge_class == kCommon ? split.common : split.by_key[edge_class]).push_back(index);
      }
      return split;
    }
    for (const EdgeIndex index : graph_.EdgesOut(node)) {
      const Edge& edge = graph_.edge(index);
      const NodeIndex key = KeyAskedBy(edge);
      const NodeIndex answered = Answered(edge);
      (key == kAnyInput ? split.common : split.by_key[key]).push_back(index);
      if (answered != kNoNode && key != kAnyInput && answered != key) {
        split.by_key[answered].push_back(index);
      }
    }
    return split;
  }

  void WalkEdges(std::span<const EdgeIndex> edges, std::int64_t moment, std::uint32_t step) {
    for (const EdgeIndex index : edges) {
      const Edge& edge = graph_.edge(index);
      if (options_.forward ? edge.end_ns < moment : edge.begin_ns > moment) break;
      if (edge.end_ns < options_.from_ns || edge.begin_ns > options_.until_ns) continue;
      const NodeIndex next = options_.forward ? edge.to : edge.from;
      if (IsBlocked(next)) continue;
      if (!edge_taken_[index]) {
        edge_taken_[index] = true;
        walk_.edges.push_back(index);
      }
      Reach(edge, index, moment, step);
    }
  }

  void Reach(const Edge& edge, EdgeIndex index, std::int64_t moment, std::uint32_t step) {
    if (options_.forward) {
      const std::int64_t arrival = std::max(edge.begin_ns, moment);
      const NodeIndex edge_class = IsSplit(edge.to) ? ClassInto(edge) : kCommon;
      Push(edge.to, edge_class == kCommon ? kAnyInput : edge_class, arrival, step, index);
      return;
    }
    const std::int64_t bound = std::min(edge.end_ns, moment);
    if (!IsSplit(edge.from)) {
      Push(edge.from, kAnyInput, bound, step, index);
      return;
    }
    const NodeIndex key = KeyAskedBy(edge);
    Push(edge.from, key, bound, step, index);
    const NodeIndex answered = Answered(edge);
    if (answered != kNoNode && key != kAnyInput) {
      Push(edge.from, answered, bound, step, index);
    }
  }

  const Graph& graph_;
  const WalkOptions& options_;
  const std::unordered_set<NodeIndex> starts_;
  Walk walk_;
  std::priority_queue<Candidate> queue_;
  std::unordered_set<std::uint64_t> settled_;
  std::unordered_map<std::uint64_t, std::int64_t> waiting_;
  std::unordered_map<NodeIndex, SplitNode> split_;
  std::vector<bool> edge_taken_;
};

}  // namespace

Walk WalkFrom(const Graph& graph, std::span<const NodeIndex> starts, const WalkOptions& options) {
  return Walker(graph, starts, options).Run();
}

}  // namespace spoor::causality
