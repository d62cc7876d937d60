// SPDX-License-Identifier: Apache-2.0
// Best-first search over moments. Backward, a node's moment is the latest at which what it held can
// still have reached the start: an edge into it counts if it began no later, and hands the earlier
// of its own end and that moment on. The queue pops the latest moment first, handed-on moments are
// never later, so the first pop of a node is final (Dijkstra). Forward is the mirror image.
//
// Nodes that a rule splits (a process by request and by what it relays, a terminal by side, a
// remote connection by direction) are walked as several states (node, label). Edges into such a
// node have a label, edges out of it ask for one; `Accepts` says which go together. Edges of one
// label are looked at by the first state popped that accepts them only: its moment is the best.
//
// The shortest chain is looked for by the number of edges first and by moments among equals. A
// state is come to again then, over more edges at a better moment: only who has both worse is left
// out.
#include "causality/walk.hpp"

#include <algorithm>
#include <queue>
#include <set>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

namespace spoor::causality {
namespace {

// Units besides kAnyInput and indexes of connections.
constexpr NodeIndex kCommon = 0xfffffffe;  // of edges in that whoever asks may have
// Of what programs print on their terminal or send to a remote end …
constexpr NodeIndex kOutput = 0xfffffffd;
// … which those that read there do not get back: they ask for what is common only.
constexpr NodeIndex kNothingSpecial = 0xfffffffc;
// Sources besides kNoSource and indexes of connections: any terminal that the process drives.
constexpr NodeIndex kTerminals = 0xfffffffb;
constexpr NodeIndex kNoSource = 0xffffffff;

struct Label {
  NodeIndex unit;    // the request that an edge in belongs to, or an edge out asks for
  NodeIndex source;  // what an edge in relays, or an edge out does not take from
  bool operator==(const Label&) const = default;
};
constexpr Label kEverything{kAnyInput, kNoSource};  // that an edge out asks for
constexpr Label kForAll{kCommon, kNoSource};        // of an edge in

bool Accepts(const Label& asked, const Label& given) {
  const bool unit = asked.unit == kAnyInput || given.unit == kCommon || asked.unit == given.unit;
  return unit && (asked.source == kNoSource || asked.source != given.source);
}

/// Labels as numbers, so that a state fits 64 bits.
using LabelIndex = std::uint32_t;

class Labels {
 public:
  LabelIndex IndexOf(const Label& label) {
    const auto [place, added] = index_.try_emplace(std::uint64_t{label.unit} << 32 | label.source,
                                                   static_cast<LabelIndex>(labels_.size()));
    if (added) labels_.push_back(label);
    return place->second;
  }
  Label At(LabelIndex index) const { return labels_[index]; }

 private:
  std::unordered_map<std::uint64_t, LabelIndex> index_;
  std::vector<Label> labels_;
};

struct Candidate {
  std::uint32_t length;  // of the chain, where the shortest is asked for; else 0
  std::int64_t rank;     // smaller is popped first
  NodeIndex node;
  LabelIndex label;
  std::uint32_t parent;
  EdgeIndex via;
  bool operator<(const Candidate& other) const {
    return std::tie(length, rank) > std::tie(other.length, other.rank);
  }
};

/// The edges of a split node that have one label.
struct Group {
  Label label;
  std::vector<EdgeIndex> edges;
  bool walked = false;
};

struct SplitNode {
  std::vector<Group> groups;
  std::unordered_map<LabelIndex, std::size_t> by_label;
  std::unordered_map<NodeIndex, std::vector<std::size_t>> by_unit;
};

class Walker {
 public:
  /// `ends`: where not empty the shortest chain to one of them is looked for.
  Walker(Graph& graph, std::span<const NodeIndex> starts, const WalkOptions& options,
         std::span<const NodeIndex> ends = {})
      : graph_(graph),
        options_(options),
        starts_(starts.begin(), starts.end()),
        ends_(ends.begin(), ends.end()),
        by_length_(!ends.empty() || options.hops_max > 0),
        open_(options.forward ? kForAll : kEverything),
        open_label_(labels_.IndexOf(open_)) {}

  Walk Run() {
    PushStarts();
    while (!queue_.empty() && !Ends()) {
      const Candidate next = queue_.top();
      queue_.pop();
      if (by_length_) {
        Visit(next);
      } else {
        Settle(next);
      }
    }
    return std::move(walk_);
  }

  Walk RunToEnd() {
    PushStarts();
    while (!queue_.empty() && !Ends()) {
      const Candidate next = queue_.top();
      queue_.pop();
      Visit(next);
      if (ends_.contains(next.node)) return {.steps = ChainToLast(), .edges = {}};
    }
    return {.steps = {}, .edges = {}, .end = walk_.end};
  }

 private:
  bool Ends() {
    constexpr std::size_t kStepsBetweenQuestions = 256;
    if (options_.steps_max > 0 && walk_.steps.size() >= options_.steps_max) {
      walk_.end = WalkEnd::kSteps;
    } else if (options_.stop && pops_++ % kStepsBetweenQuestions == 0 && options_.stop()) {
      walk_.end = WalkEnd::kStopped;
    }
    return walk_.end != WalkEnd::kAll;
  }

  void PushStarts() {
    const std::int64_t moment = options_.forward ? options_.from_ns : options_.until_ns;
    for (const NodeIndex start : starts_) {
      const auto leaves = options_.leaves_ns.find(start);
      std::int64_t leaving = moment;
      if (leaves != options_.leaves_ns.end()) {
        leaving =
            options_.forward ? std::max(moment, leaves->second) : std::min(moment, leaves->second);
      }
      Push(start, open_label_, leaving, kNoStep, 0);
    }
  }

  std::vector<WalkStep> ChainToLast() const {
    std::vector<WalkStep> chain;
    for (auto at = static_cast<std::uint32_t>(walk_.steps.size() - 1); at != kNoStep;) {
      chain.push_back(walk_.steps[at]);
      at = chain.back().parent;
    }
    std::ranges::reverse(chain);
    for (std::uint32_t i = 0; i < chain.size(); ++i) chain[i].parent = i == 0 ? kNoStep : i - 1;
    return chain;
  }

  // ~x turns latest-first into smallest-first without overflow at the ends of the range.
  std::int64_t Rank(std::int64_t moment_ns) const {
    return options_.forward ? moment_ns : ~moment_ns;
  }

  bool IsSplit(NodeIndex node) {
    if (graph_.type(node) == NodeType::kProcess) {
      return (options_.rules.Has(Rule::kLatestInput) && graph_.RolesOf(node).multiplexes) ||
             (options_.rules.Has(Rule::kTerminalSides) && graph_.RolesOf(node).relays);
    }
    if (graph_.facts(node).remote) return options_.rules.Has(Rule::kRemoteReplies);
    return options_.rules.Has(Rule::kTerminalSides) && graph_.HasSides(node);
  }

  bool IsBlocked(NodeIndex node) {
    const NodeType type = graph_.type(node);
    if (type == NodeType::kProcess || starts_.contains(node)) return false;
    if (options_.rules.Has(Rule::kNoiseObjects) && graph_.facts(node).noise) return true;
    if (type == NodeType::kSocket || type == NodeType::kPty) return false;
    if (!options_.rules.Has(Rule::kOwnExecImage) && !options_.rules.Has(Rule::kReadOnlyFiles)) {
      return false;
    }
    if (graph_.HasFlowsIn(node)) return false;
    return options_.rules.Has(graph_.WasExecuted(node) ? Rule::kOwnExecImage
                                                       : Rule::kReadOnlyFiles);
  }

  // What an edge into a split node gives.
  Label Given(const Edge& edge) const {
    if (graph_.type(edge.to) != NodeType::kProcess) {
      const bool output = graph_.facts(edge.to).remote || edge.side == PtySide::kSlave;
      return {output ? kOutput : kCommon, kNoSource};
    }
    Label given = kForAll;
    const NodeType type = graph_.type(edge.from);
    if (!IsConnectionInput(edge, type)) return given;
    if (options_.rules.Has(Rule::kLatestInput) && edge.input != kAnyInput) given.unit = edge.input;
    if (options_.rules.Has(Rule::kTerminalSides)) {
      if (type == NodeType::kPty) given.source = kTerminals;
      if (edge.relayed) given.source = edge.from;
    }
    return given;
  }

  // What an edge out of a split node asks for.
  Label Asked(const Edge& edge) const {
    if (graph_.type(edge.from) != NodeType::kProcess) {
      const bool input_only = graph_.facts(edge.from).remote || edge.side == PtySide::kSlave;
      return {input_only ? kNothingSpecial : kAnyInput, kNoSource};
    }
    Label asked = kEverything;
    if (options_.rules.Has(Rule::kLatestInput)) asked.unit = edge.input;
    if (options_.rules.Has(Rule::kTerminalSides)) {
      if (graph_.type(edge.to) == NodeType::kPty && edge.side == PtySide::kMaster) {
        asked.source = kTerminals;
      }
      if (edge.relayed) asked.source = OwnEnd(edge);
    }
    return asked;
  }

  NodeIndex OwnEnd(const Edge& edge) const {
    const NodeIndex peer = graph_.peer(edge.to);
    return peer == kNoNode ? edge.to : peer;
  }

  // The accepted connection that `edge` answers on, or kNoNode.
  NodeIndex Answered(const Edge& edge) const {
    return edge.to_accepted && options_.rules.Has(Rule::kLatestInput) ? OwnEnd(edge) : kNoNode;
  }

  void Push(NodeIndex node, LabelIndex label, std::int64_t moment_ns, std::uint32_t parent,
            EdgeIndex via) {
    const std::int64_t rank = Rank(moment_ns);
    if (by_length_) {
      // Who is in the open state at a better moment, over fewer edges, goes wherever we can.
      const auto open = waiting_.find(StateOf(node, open_label_));
      if (open != waiting_.end() && open->second <= rank) return;
    } else if (settled_.contains(StateOf(node, label)) ||
               settled_.contains(StateOf(node, open_label_))) {
      return;
    }
    // Only a better moment than the best one waiting is worth a place in the queue.
    const auto [best, added] = waiting_.try_emplace(StateOf(node, label), rank);
    if (!added) {
      if (best->second <= rank) return;
      best->second = rank;
    }
    const std::uint32_t length =
        !by_length_ || parent == kNoStep ? 0 : walk_.steps[parent].hops + 1;
    queue_.push({length, rank, node, label, parent, via});
  }

  static std::uint64_t StateOf(NodeIndex node, LabelIndex label) {
    return std::uint64_t{node} << 32 | label;
  }

  void Settle(const Candidate& state) {
    if (settled_.contains(StateOf(state.node, open_label_))) return;
    if (!settled_.insert(StateOf(state.node, state.label)).second) return;
    Visit(state);
  }

  void Visit(const Candidate& state) {
    const std::int64_t moment = options_.forward ? state.rank : ~state.rank;
    const std::uint32_t hops = state.parent == kNoStep ? 0 : walk_.steps[state.parent].hops + 1;
    const auto step = static_cast<std::uint32_t>(walk_.steps.size());
    walk_.steps.push_back({state.node, state.parent, state.via, moment, hops});
    if (options_.hops_max > 0 && hops >= options_.hops_max) return;
    if (state.label == open_label_) {
      const std::span<const EdgeIndex> all =
          options_.forward ? graph_.EdgesOut(state.node) : graph_.EdgesIn(state.node);
      WalkEdges(all, moment, step);
      return;
    }
    SplitNode& split = Split(state.node);
    const Label label = labels_.At(state.label);
    if (label.unit == open_.unit) {
      for (std::size_t group = 0; group < split.groups.size(); ++group) {
        WalkGroup(split.groups[group], label, moment, step);
      }
      return;
    }
    // Of the others only these can be accepted.
    for (const NodeIndex unit : {label.unit, options_.forward ? kAnyInput : kCommon}) {
      const auto groups = split.by_unit.find(unit);
      if (groups == split.by_unit.end()) continue;
      for (const std::size_t group : groups->second) {
        WalkGroup(split.groups[group], label, moment, step);
      }
    }
  }

  void WalkGroup(Group& group, const Label& label, std::int64_t moment, std::uint32_t step) {
    const bool accepted =
        options_.forward ? Accepts(group.label, label) : Accepts(label, group.label);
    if ((group.walked && !by_length_) || !accepted) return;
    group.walked = true;
    WalkEdges(group.edges, moment, step);
  }

  // Groups keep the order of the adjacency list, so that a prefix is enough there too.
  SplitNode& Split(NodeIndex node) {
    const auto [place, added] = split_.try_emplace(node);
    SplitNode& split = place->second;
    if (!added) return split;
    if (!options_.forward) {
      for (const EdgeIndex index : graph_.EdgesIn(node)) {
        AddToGroup(Given(graph_.edge(index)), index, split);
      }
      return split;
    }
    for (const EdgeIndex index : graph_.EdgesOut(node)) {
      const Edge& edge = graph_.edge(index);
      Label asked = Asked(edge);
      AddToGroup(asked, index, split);
      const NodeIndex answered = Answered(edge);
      if (answered == kNoNode || asked.unit == kAnyInput || answered == asked.unit) continue;
      asked.unit = answered;
      AddToGroup(asked, index, split);
    }
    return split;
  }

  void AddToGroup(const Label& label, EdgeIndex edge, SplitNode& split) {
    const auto [place, added] =
        split.by_label.try_emplace(labels_.IndexOf(label), split.groups.size());
    if (added) {
      split.groups.push_back({.label = label, .edges = {}});
      split.by_unit[label.unit].push_back(place->second);
    }
    split.groups[place->second].edges.push_back(edge);
  }

  void WalkEdges(std::span<const EdgeIndex> edges, std::int64_t moment, std::uint32_t step) {
    for (const EdgeIndex index : edges) {
      const Edge& edge = graph_.edge(index);
      if (options_.forward ? edge.end_ns < moment : edge.begin_ns > moment) break;
      if (edge.end_ns < options_.from_ns || edge.begin_ns > options_.until_ns) continue;
      if (!options_.clocks.empty() && !options_.clocks[edge.clock]) continue;
      const NodeIndex next = options_.forward ? edge.to : edge.from;
      if (IsBlocked(next)) continue;
      if (index >= edge_taken_.size()) edge_taken_.resize(graph_.read_edge_count());
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
      const Label given = IsSplit(edge.to) ? Given(edge) : kForAll;
      Push(edge.to, labels_.IndexOf(given), arrival, step, index);
      return;
    }
    const std::int64_t bound = std::min(edge.end_ns, moment);
    if (!IsSplit(edge.from)) {
      Push(edge.from, open_label_, bound, step, index);
      return;
    }
    Label asked = Asked(edge);
    Push(edge.from, labels_.IndexOf(asked), bound, step, index);
    const NodeIndex answered = Answered(edge);
    if (answered == kNoNode || asked.unit == kAnyInput) return;
    asked.unit = answered;
    Push(edge.from, labels_.IndexOf(asked), bound, step, index);
  }

  Graph& graph_;
  const WalkOptions& options_;
  const std::set<NodeIndex> starts_, ends_;
  const bool by_length_;  // shorter chains first
  std::size_t pops_ = 0;
  Walk walk_;
  std::priority_queue<Candidate> queue_;
  std::unordered_set<std::uint64_t> settled_;
  std::unordered_map<std::uint64_t, std::int64_t> waiting_;
  std::unordered_map<NodeIndex, SplitNode> split_;
  std::vector<bool> edge_taken_;
  Labels labels_;
  const Label open_;  // of a state that all edges of its node go with
  const LabelIndex open_label_;
};

}  // namespace

Walk WalkFrom(Graph& graph, std::span<const NodeIndex> starts, const WalkOptions& options) {
  return Walker(graph, starts, options).Run();
}

Walk ShortestWalk(Graph& graph, std::span<const NodeIndex> starts, std::span<const NodeIndex> ends,
                  const WalkOptions& options) {
  if (ends.empty()) return {};
  return Walker(graph, starts, options, ends).RunToEnd();
}

}  // namespace spoor::causality
