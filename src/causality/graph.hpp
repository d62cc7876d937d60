// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "causal_index/index.hpp"

/// Who caused what: the flows of an index between processes and objects, of one question. The rules
/// of dependence: docs/design/0004-causal-rules.md.
namespace spoor::causality {

using causal_index::kNoNode;
using causal_index::NodeFacts;
using causal_index::NodeIndex;
using causal_index::NodeType;
using causal_index::PtySide;

/// Index of an edge inside one Graph, in the order in which they were read.
using EdgeIndex = std::uint32_t;

/// One flow: something may have gone from `from` to `to` at any moment of [begin_ns, end_ns], on
/// the axis of Graph.
struct Edge {
  std::int64_t begin_ns;
  std::int64_t end_ns;
  std::int64_t event_id;  ///< 0: known from the baseline
  NodeIndex from;
  NodeIndex to;
  /// For flows of a process that serves several requests: the connection whose request its thread
  /// was working on (docs/pruning.md, latest_input). kAnyInput where that is not known, the flow
  /// is no input from a connection, or the rule does not apply. Known when the process is.
  NodeIndex input;
  causal_index::FlowNumber number;
  std::uint32_t clock;  ///< place among the boots of the index
  std::uint32_t tid;    ///< thread of the process at the process end of the flow
  event::EventKind kind;
  PtySide side;
  bool moved_nothing;  ///< end of file, or an empty message
  bool to_accepted;    ///< the flow goes back to a connection that this process accepted
  /// Between a program on a terminal and a connection that it opened: what arrives there is
  /// printed, what is sent was typed (ssh, telnet).
  bool relayed;
};
inline constexpr NodeIndex kAnyInput = 0xffffffff;

/// Whether `edge`, out of a node of type `from`, is input of the kind that rule latest_input tells
/// apart: from a socket, a pipe, or a terminal that the reader drives (its master end).
bool IsConnectionInput(const Edge& edge, NodeType from);

/// What the flows of a process say of it.
struct ProcessRoles {
  bool multiplexes = false;  ///< it takes requests from several connections
  bool relays = false;       ///< it stands between a terminal and another, or a connection
};

struct Window {
  std::optional<std::int64_t> from_ns = {};   ///< flows that ended before are left out
  std::optional<std::int64_t> until_ns = {};  ///< flows that began after are left out
};

/// Reads the flows of a node when they are asked for, and keeps them. One thread at a time; the
/// index may be shared.
///
/// The axis of time: boot clock plus one constant per boot (the wall clock minus the boot clock at
/// the first event of that boot). Inside a boot it is the boot clock exactly, whatever is done to
/// the wall clock; across boots it is as good as the wall clock was at that first event. Hosts that
/// were connected to each other are corrected by what their connections prove of their clocks.
class Graph {
 public:
  explicit Graph(std::shared_ptr<const causal_index::Index> index, const Window& window = {});

  const causal_index::Index& index() const { return *index_; }
  std::size_t node_count() const { return index_->nodes().node_count(); }
  std::optional<NodeIndex> Find(std::int64_t id) const { return index_->nodes().Find(id); }
  std::int64_t id(NodeIndex node) const { return index_->nodes().IdOf(node); }
  NodeType type(NodeIndex node) const { return index_->nodes().TypeOf(node); }
  NodeFacts facts(NodeIndex node) const { return index_->nodes().FactsOf(node); }
  /// The other end of a connection, or kNoNode.
  NodeIndex peer(NodeIndex node) const { return index_->nodes().PeerOf(node); }
  /// What the axis adds to the wall clock of the host on which `edge` happened.
  std::int64_t SkewOf(const Edge& edge) const;

  /// The reference is good as long as the graph.
  const Edge& edge(EdgeIndex edge) const { return edges_[edge]; }
  std::size_t read_edge_count() const { return edges_.size(); }

  /// Edges into `node`, by ascending begin_ns. Good as long as the graph, as is EdgesOut.
  std::span<const EdgeIndex> EdgesIn(NodeIndex node) { return Read(node).in; }
  /// Edges out of `node`, by descending end_ns.
  std::span<const EdgeIndex> EdgesOut(NodeIndex node) { return Read(node).out; }

  ProcessRoles RolesOf(NodeIndex process) { return Read(process).roles; }
  /// Whether some flow leads to this object. Reads as little as it can.
  bool HasFlowsIn(NodeIndex object) { return TouchOf(object).has_flows_in; }
  bool WasExecuted(NodeIndex object) { return TouchOf(object).was_executed; }
  /// Whether some flow of this terminal tells which end of it was used.
  bool HasSides(NodeIndex object);

 private:
  struct Node {
    std::vector<EdgeIndex> in, out;
    ProcessRoles roles;
  };
  struct Touch {
    bool has_flows_in = false, was_executed = false;
  };
  /// By flow number: the edge that was made of it.
  class EdgeTable {
   public:
    /// The slot of that edge, or an empty one, into which the caller puts it.
    EdgeIndex* Find(causal_index::FlowNumber number, const std::deque<Edge>& edges);

   private:
    std::vector<EdgeIndex> slots_;
    std::size_t count_ = 0;
  };

  Node& Read(NodeIndex node);
  Touch TouchOf(NodeIndex object);
  causal_index::NodeSummary SummaryOf(NodeIndex node);
  /// Calls `take(number, clock, flow, from, to)` for each flow that the lists of `node` have, from
  /// and to as they are before writes to one end of a connection are directed to the other.
  template <typename Take>
  void ForEachFlow(NodeIndex node, Take&& take);
  NodeIndex NodeOf(std::uint32_t part, std::uint32_t local);
  bool IsInWindow(std::int64_t begin_ns, std::int64_t end_ns) const;
  EdgeIndex EdgeOf(const Edge& edge);
  /// Where what is written to `node` arrives.
  NodeIndex Target(NodeIndex node) const;
  /// Objects to which what is written arrives at `object`.
  std::vector<NodeIndex> SourcesOf(NodeIndex object) const;

  std::shared_ptr<const causal_index::Index> index_;
  Window window_;
  std::vector<std::vector<NodeIndex>> nodes_of_parts_;  // by part and its node; kNoNode: not known
  std::unordered_map<NodeIndex, Node> nodes_;
  std::unordered_map<NodeIndex, Touch> touches_;
  std::deque<Edge> edges_;
  EdgeTable table_;
};

}  // namespace spoor::causality
