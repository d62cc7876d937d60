// SPDX-License-Identifier: Apache-2.0
// What is read of a node is kept for the question: its edges, each once whichever end asked first,
// and what rules must know of it. Lists are sorted as walks take them: by begin backward, by
// falling end forward; among equals in the order of the store.
#include "causality/graph.hpp"

#include <algorithm>
#include <tuple>

#include "base/check.hpp"
#include "base/saturating.hpp"
#include "causality/inputs.hpp"

namespace spoor::causality {
namespace {

using causal_index::FlowNumber;
using causal_index::PartFlow;
using event::Dependence;
using event::EventKind;

constexpr EdgeIndex kEmpty = 0xffffffff;  // slot of EdgeTable

}  // namespace

bool IsConnectionInput(const Edge& edge, NodeType from) {
  if (!event::TraitsOf(edge.kind).brings_input) return false;
  return from == NodeType::kSocket || from == NodeType::kPipe ||
         (from == NodeType::kPty && edge.side == PtySide::kMaster);
}

/// Open addressing: a question may read millions of edges.
EdgeIndex* Graph::EdgeTable::Find(FlowNumber number, const std::deque<Edge>& edges) {
  constexpr std::size_t kSlotsMin = 1024;
  const auto slot_of = [&](FlowNumber of) {
    std::size_t slot = (of * std::uint64_t{0x9e3779b97f4a7c15} >> 32) & (slots_.size() - 1);
    while (slots_[slot] != kEmpty && edges[slots_[slot]].number != of) {
      slot = (slot + 1) & (slots_.size() - 1);
    }
    return slot;
  };
  if (slots_.size() < 2 * (count_ + 1)) {
    slots_.assign(std::max(kSlotsMin, 2 * slots_.size()), kEmpty);
    for (EdgeIndex i = 0; i < edges.size(); ++i) slots_[slot_of(edges[i].number)] = i;
  }
  const std::size_t slot = slot_of(number);
  if (slots_[slot] == kEmpty) ++count_;  // the caller puts it there
  return &slots_[slot];
}

Graph::Graph(std::shared_ptr<const causal_index::Index> index, const Window& window)
    : index_(std::move(index)), window_(window), nodes_of_parts_(index_->parts().size()) {}

std::int64_t Graph::SkewOf(const Edge& edge) const {
  return index_->nodes().boots()[edge.clock].skew_ns;
}

NodeIndex Graph::NodeOf(std::uint32_t part, std::uint32_t local) {
  std::vector<NodeIndex>& known = nodes_of_parts_[part];
  if (known.empty()) known.assign(index_->parts()[part].node_count(), kNoNode);
  if (known[local] == kNoNode) {
    known[local] = Find(index_->parts()[part].IdOf(local)).value_or(kNoNode);
  }
  return known[local];
}

bool Graph::IsInWindow(std::int64_t begin_ns, std::int64_t end_ns) const {
  return (!window_.from_ns || end_ns >= *window_.from_ns) &&
         (!window_.until_ns || begin_ns <= *window_.until_ns);
}

NodeIndex Graph::Target(NodeIndex node) const {
  if (type(node) == NodeType::kProcess) return node;
  const NodeIndex other_end = peer(node);
  return other_end == kNoNode ? node : other_end;
}

std::vector<NodeIndex> Graph::SourcesOf(NodeIndex object) const {
  std::vector<NodeIndex> sources = index_->nodes().PeersTo(object);
  if (peer(object) == kNoNode) sources.push_back(object);
  return sources;
}

template <typename Take>
void Graph::ForEachFlow(NodeIndex node, Take&& take) {
  for (const causal_index::Posting& posting : index_->nodes().PostingsOf(node)) {
    if (posting.part >= index_->parts().size() ||
        posting.node >= index_->parts()[posting.part].node_count()) {
      index_->ReportDamage();
      return;
    }
    const FlowNumber first = index_->FirstFlowOf(posting.part);
    bool more = true;
    const bool sound = index_->parts()[posting.part].ForEachFlow(
        posting.node, [&](std::uint32_t number, const PartFlow& flow) {
          const NodeIndex owner = NodeOf(posting.part, flow.owner);
          const NodeIndex other = NodeOf(posting.part, flow.other);
          if (owner == kNoNode || other == kNoNode || owner == other) {
            index_->ReportDamage();
            return more = false;
          }
          const bool in = event::TraitsOf(flow.kind).dependence == Dependence::kObjectToProcess;
          const std::uint32_t clock = index_->ClockOf(posting.part, flow.boot);
          return more = take(first + number, clock, flow, in ? other : owner, in ? owner : other);
        });
    if (!sound) index_->ReportDamage();
    if (!sound || !more) return;
  }
}

EdgeIndex Graph::EdgeOf(const Edge& edge) {
  EdgeIndex* const slot = table_.Find(edge.number, edges_);
  if (*slot == kEmpty) {
    *slot = static_cast<EdgeIndex>(edges_.size());
    edges_.push_back(edge);
  }
  return *slot;
}

Graph::Node& Graph::Read(NodeIndex node) {
  const auto [place, added] = nodes_.try_emplace(node);
  Node& read = place->second;
  if (!added) return read;
  const bool is_process = type(node) == NodeType::kProcess;
  const auto& clocks = index_->nodes().boots();
  const auto on_axis = [&clocks](std::uint32_t clock, std::int64_t boot_ns) {
    return SaturatingAdd(boot_ns,
                         SaturatingAdd(clocks[clock].boot.shift_ns, clocks[clock].skew_ns));
  };
  const auto add = [&](const Edge& edge) {
    if (edge.to == node) read.in.push_back(EdgeOf(edge));
    if (edge.from == node) read.out.push_back(EdgeOf(edge));
  };
  if (is_process) {
    for (const causal_index::NodesPart::Fork& fork : index_->nodes().ForksOf(node)) {
      const std::int64_t start_ns = on_axis(fork.boot, fork.start_boot_ns);
      add({.begin_ns = start_ns,
           .end_ns = start_ns,
           .event_id = 0,
           .from = fork.parent,
           .to = fork.child,
           .input = kAnyInput,
           .number = fork.number,
           .clock = fork.boot,
           .tid = 0,
           .kind = EventKind::kFork,
           .side = PtySide::kUnknown,
           .moved_nothing = false,
           .to_accepted = false,
           .relayed = false});
    }
  }
  const auto add_flow = [&](FlowNumber number, std::uint32_t clock, const PartFlow& flow,
                            NodeIndex from, NodeIndex to) {
    const std::int64_t begin_ns = on_axis(clock, flow.begin_boot_ns);
    const std::int64_t end_ns = on_axis(clock, flow.end_boot_ns);
    if (!IsInWindow(begin_ns, end_ns)) return true;
    const NodeIndex other = type(from) == NodeType::kProcess ? to : from;
    add({.begin_ns = begin_ns,
         .end_ns = end_ns,
         .event_id = flow.event_id,
         .from = from,
         .to = Target(to),
         .input = kAnyInput,
         .number = number,
         .clock = clock,
         .tid = flow.tid,
         .kind = flow.kind,
         .side = facts(other).has_sides ? flow.side : PtySide::kUnknown,
         .moved_nothing = flow.moved_nothing,
         .to_accepted = false,
         .relayed = false});
    return true;
  };
  ForEachFlow(node, add_flow);
  if (!is_process) {
    for (const NodeIndex source : SourcesOf(node)) {
      if (source != node) ForEachFlow(source, add_flow);
    }
  }
  std::ranges::sort(read.in, [this](EdgeIndex a, EdgeIndex b) {
    return std::tie(edges_[a].begin_ns, edges_[a].number) <
           std::tie(edges_[b].begin_ns, edges_[b].number);
  });
  std::ranges::sort(read.out, [this](EdgeIndex a, EdgeIndex b) {
    return std::tie(edges_[b].end_ns, edges_[a].number) <
           std::tie(edges_[a].end_ns, edges_[b].number);
  });
  if (is_process) read.roles = MarkInputs(*this, edges_, read.in, read.out);
  return read;
}

// The parts say of a node what its flows are like, so that a library that everybody reads is not
// read itself. In a window that is an upper bound only.
Graph::Touch Graph::TouchOf(NodeIndex object) {
  const auto [place, added] = touches_.try_emplace(object);
  if (!added) return place->second;
  Touch may;
  for (const NodeIndex source : SourcesOf(object))
    may.has_flows_in |= SummaryOf(source).has_flows_in;
  may.was_executed = SummaryOf(object).was_executed;
  Touch& touch = place->second;
  touch = may;
  if (!window_.from_ns && !window_.until_ns) return touch;
  if (may.has_flows_in) touch.has_flows_in = !Read(object).in.empty();
  if (may.was_executed) {
    touch.was_executed = std::ranges::any_of(
        Read(object).out, [this](EdgeIndex edge) { return edges_[edge].kind == EventKind::kExec; });
  }
  return touch;
}

causal_index::NodeSummary Graph::SummaryOf(NodeIndex node) {
  causal_index::NodeSummary all;
  for (const causal_index::Posting& posting : index_->nodes().PostingsOf(node)) {
    if (posting.part >= index_->parts().size() ||
        posting.node >= index_->parts()[posting.part].node_count()) {
      index_->ReportDamage();
      return all;
    }
    const causal_index::NodeSummary there = index_->parts()[posting.part].SummaryOf(posting.node);
    all.has_flows_in |= there.has_flows_in;
    all.was_executed |= there.was_executed;
  }
  return all;
}

bool Graph::HasSides(NodeIndex object) {
  if (!facts(object).has_sides) return false;
  const auto has_side = [this](EdgeIndex edge) { return edges_[edge].side != PtySide::kUnknown; };
  const Node& read = Read(object);
  return std::ranges::any_of(read.in, has_side) || std::ranges::any_of(read.out, has_side);
}

}  // namespace spoor::causality
