// SPDX-License-Identifier: Apache-2.0
// Compressed sparse rows, twice: edges by target sorted by begin (a backward walk takes a prefix)
// and by source sorted by falling end (so does a forward walk).
#include "causality/graph.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "base/check.hpp"
#include "causality/inputs.hpp"

namespace spoor::causality {
namespace {

using event::EventKind;

}  // namespace

NodeIndex GraphBuilder::IndexOf(std::int64_t id) {
  const auto [place, added] = index_.try_emplace(id, static_cast<NodeIndex>(ids_.size()));
  if (added) {
    SPOOR_CHECK(ids_.size() < kNoNode - 8) << "too many nodes for 32 bits";
    ids_.push_back(id);
    types_.push_back(NodeType::kOther);
    flags_.push_back(NodeFlags{});
    peers_.push_back(kNoNode);
  }
  return place->second;
}

void GraphBuilder::AddNode(std::int64_t id, NodeType type, NodeFlags flags) {
  const NodeIndex node = IndexOf(id);
  types_[node] = type;
  flags_[node] = flags;
}

void GraphBuilder::AddPeers(std::int64_t one_id, std::int64_t other_id) {
  const NodeIndex one = IndexOf(one_id);
  const NodeIndex other = IndexOf(other_id);
  if (one == other) return;
  peers_[one] = other;
  peers_[other] = one;
}

void GraphBuilder::SetSkew(std::int64_t id, std::int64_t skew_ns) {
  skews_[IndexOf(id)] = skew_ns;
}

void GraphBuilder::Reserve(std::size_t flow_count) {
  edges_.reserve(flow_count);
  tids_.reserve(flow_count);
  moved_nothing_.reserve(flow_count);
}

void GraphBuilder::AddFlow(const Flow& flow) {
  SPOOR_CHECK(edges_.size() < 0xfffffff0) << "too many edges for 32 bits";
  const NodeIndex from = IndexOf(flow.from_id);
  const NodeIndex to = IndexOf(flow.to_id);
  if (from == to) return;  // to signal or trace oneself adds nothing
  using event::Dependence;
  const Dependence dependence = event::TraitsOf(flow.kind).dependence;
  SPOOR_CHECK(dependence != Dependence::kNone) << "an event of this kind carries no flow";
  if (dependence != Dependence::kObjectToProcess) types_[from] = NodeType::kProcess;
  if (dependence != Dependence::kProcessToObject) types_[to] = NodeType::kProcess;
  edges_.push_back(Edge{.begin_ns = std::min(flow.begin_ns, flow.end_ns),
                        .end_ns = flow.end_ns,
                        .event_id = flow.event_id,
                        .from = from,
                        .to = to,
                        .input = kAnyInput,
                        .kind = flow.kind,
                        .side = flow.side,
                        .to_accepted = false,
                        .relayed = false});
  tids_.push_back(static_cast<std::uint32_t>(flow.tid));
  moved_nothing_.push_back(flow.moved_nothing);
}

namespace {

/// Start offsets of each node's edges, and the edge indexes grouped by node.
void GroupByNode(const std::vector<Edge>& edges, std::size_t node_count, NodeIndex Edge::*node,
                 std::vector<std::uint32_t>& start, std::vector<EdgeIndex>& grouped) {
  start.assign(node_count + 1, 0);
  for (const Edge& edge : edges) ++start[edge.*node + 1];
  std::partial_sum(start.begin(), start.end(), start.begin());
  std::vector<std::uint32_t> next(start.begin(), start.end() - 1);
  grouped.resize(edges.size());
  for (EdgeIndex index = 0; index < edges.size(); ++index) {
    grouped[next[edges[index].*node]++] = index;
  }
}

/// Writes to one end of a connection arrive at the other.
void DirectToPeers(std::vector<Edge>& edges, const std::vector<NodeType>& types,
                   const std::vector<NodeIndex>& peers) {
  for (Edge& edge : edges) {
    if (types[edge.to] != NodeType::kProcess && peers[edge.to] != kNoNode) edge.to = peers[edge.to];
  }
}

}  // namespace

Graph GraphBuilder::Build() {
  Graph graph;
  const std::size_t node_count = ids_.size();
  DirectToPeers(edges_, types_, peers_);
  GroupByNode(edges_, node_count, &Edge::to, graph.in_start_, graph.in_);
  GroupByNode(edges_, node_count, &Edge::from, graph.out_start_, graph.out_);

  const InputSource source{edges_, tids_, moved_nothing_, types_, flags_, peers_};
  const auto edges_of = [](const std::vector<std::uint32_t>& start, std::vector<EdgeIndex>& all,
                           NodeIndex node) {
    return std::span(all).subspan(start[node], start[node + 1] - start[node]);
  };
  for (NodeIndex node = 0; node < node_count; ++node) {
    const std::span<EdgeIndex> in = edges_of(graph.in_start_, graph.in_, node);
    const std::span<EdgeIndex> out = edges_of(graph.out_start_, graph.out_, node);
    const auto by_begin = [this](EdgeIndex edge) { return edges_[edge].begin_ns; };
    const auto by_end = [this](EdgeIndex edge) { return edges_[edge].end_ns; };
    std::ranges::stable_sort(in, std::ranges::less{}, by_begin);
    std::ranges::stable_sort(out, std::ranges::greater{}, by_end);
    NodeFlags& flags = flags_[node];
    if (peers_[node] != kNoNode) flags.remote = false;
    if (types_[node] == NodeType::kProcess) {
      MarkInputs(source, in, out, flags);
    } else {
      const auto has_side = [this](EdgeIndex edge) {
        return edges_[edge].side != PtySide::kUnknown;
      };
      flags.executed = std::ranges::any_of(
          out, [this](EdgeIndex edge) { return edges_[edge].kind == EventKind::kExec; });
      flags.has_pty_sides = std::ranges::any_of(out, has_side) || std::ranges::any_of(in, has_side);
    }
  }
  graph.index_ = std::move(index_);
  graph.ids_ = std::move(ids_);
  graph.types_ = std::move(types_);
  graph.flags_ = std::move(flags_);
  graph.peers_ = std::move(peers_);
  graph.skews_ = std::move(skews_);
  graph.edges_ = std::move(edges_);
  *this = GraphBuilder();
  return graph;
}

bool IsConnectionInput(const Edge& edge, NodeType from) {
  if (!event::TraitsOf(edge.kind).brings_input) return false;
  return from == NodeType::kSocket || from == NodeType::kPipe ||
         (from == NodeType::kPty && edge.side == PtySide::kMaster);
}

std::optional<NodeIndex> Graph::Find(std::int64_t id) const {
  const auto found = index_.find(id);
  if (found == index_.end()) return std::nullopt;
  return found->second;
}

std::int64_t Graph::SkewOf(const Edge& edge) const {
  if (skews_.empty()) return 0;
  const auto skew = skews_.find(types_[edge.from] == NodeType::kProcess ? edge.from : edge.to);
  return skew == skews_.end() ? 0 : skew->second;
}

std::span<const EdgeIndex> Graph::EdgesIn(NodeIndex node) const {
  return std::span(in_).subspan(in_start_[node], in_start_[node + 1] - in_start_[node]);
}

std::span<const EdgeIndex> Graph::EdgesOut(NodeIndex node) const {
  return std::span(out_).subspan(out_start_[node], out_start_[node + 1] - out_start_[node]);
}

std::size_t Graph::size_bytes() const {
  constexpr std::size_t kIndexEntryBytes = sizeof(std::int64_t) + sizeof(NodeIndex) + 28;
  return edges_.capacity() * sizeof(Edge) + (in_.capacity() + out_.capacity()) * sizeof(EdgeIndex) +
         (in_start_.capacity() + out_start_.capacity()) * sizeof(std::uint32_t) +
         ids_.size() * (sizeof(std::int64_t) + sizeof(NodeType) + sizeof(NodeFlags) +
                        sizeof(NodeIndex) + kIndexEntryBytes);
}

}  // namespace spoor::causality
