// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "event/event.hpp"

namespace spoor::store {
class Store;
}

/// Who caused what: the events of a store as a graph of flows between processes and objects, held
/// in memory. The rules of dependence: docs/design/0004-causal-rules.md.
namespace spoor::causality {

/// Index of a node or an edge inside one Graph; not stable between two of them.
using NodeIndex = std::uint32_t;
using EdgeIndex = std::uint32_t;
inline constexpr NodeIndex kNoNode = 0xffffffff;

enum class NodeType : std::uint8_t { kProcess, kFile, kSocket, kPipe, kPty, kOther };

/// Which end of a terminal a flow used.
enum class PtySide : std::uint8_t { kUnknown, kSlave, kMaster };

/// One flow as it comes from an event: something may have gone from `from_id` to `to_id` at any
/// moment of [begin_ns, end_ns]. Times are ns on the axis of Graph (see Graph::Load).
struct Flow {
  std::int64_t from_id = 0;
  std::int64_t to_id = 0;
  std::int64_t begin_ns = 0;
  std::int64_t end_ns = 0;
  std::int64_t event_id = 0;
  std::int64_t tid = 0;  ///< thread of the process at the process end of the flow
  event::EventKind kind = event::EventKind::kRead;
  PtySide side = PtySide::kUnknown;
  bool moved_nothing = false;  ///< end of file, or an empty message
};

/// An edge of the graph: 40 bytes, and 8 more for its places in the two adjacency lists.
struct Edge {
  std::int64_t begin_ns;
  std::int64_t end_ns;
  std::int64_t event_id;
  NodeIndex from;
  NodeIndex to;
  /// For flows of a process that serves several requests: the connection whose request its thread
  /// was working on (docs/pruning.md, latest_input). kAnyInput where that is not known, the flow
  /// is no input from a connection, or the rule does not apply.
  NodeIndex input;
  event::EventKind kind;
  PtySide side;
  bool to_accepted;  ///< the flow goes back to a connection that this process accepted
  /// Between a program on a terminal and a connection that it opened: what arrives there is
  /// printed, what is sent was typed (ssh, telnet).
  bool relayed;
};
inline constexpr NodeIndex kAnyInput = 0xffffffff;

/// Whether `edge`, out of a node of type `from`, is input of the kind that rule latest_input tells
/// apart: from a socket, a pipe, or a terminal that the reader drives (its master end).
bool IsConnectionInput(const Edge& edge, NodeType from);

struct NodeFlags {
  bool noise : 1 = false;     ///< matches the list of rule noise_objects
  bool remote : 1 = false;    ///< connection whose other end is on a machine that was not recorded
  bool inbound : 1 = false;   ///< connection that was accepted on this host
  bool outbound : 1 = false;  ///< connection that was opened from this host
  bool multiplexes : 1 = false;    ///< process that takes requests from several connections
  bool relays : 1 = false;         ///< process between a terminal and another, or a connection
  bool executed : 1 = false;       ///< file that was executed
  bool has_pty_sides : 1 = false;  ///< terminal with at least one flow whose side is known
};

class Graph;

/// Collects flows; Build makes the graph of them.
class GraphBuilder {
 public:
  /// Declares what `id` is; undeclared objects are kOther, and what is at the
  /// process end of a flow is a process anyway. The last declaration counts.
  void AddNode(std::int64_t id, NodeType type, NodeFlags flags = {});
  /// Two ends of one connection, both seen: what is written to one is read from the other.
  /// Neither is `remote` then.
  void AddPeers(std::int64_t one_id, std::int64_t other_id);
  /// The times of flows of process `id` are `skew_ns` later than its host's clock said.
  void SetSkew(std::int64_t id, std::int64_t skew_ns);
  void AddFlow(const Flow& flow);
  void Reserve(std::size_t flow_count);
  std::size_t flow_count() const { return edges_.size(); }
  /// Leaves the builder empty.
  Graph Build();

 private:
  NodeIndex IndexOf(std::int64_t id);

  std::unordered_map<std::int64_t, NodeIndex> index_;
  std::vector<std::int64_t> ids_;
  std::vector<NodeType> types_;
  std::vector<NodeFlags> flags_;
  std::vector<NodeIndex> peers_;
  std::unordered_map<NodeIndex, std::int64_t> skews_;
  std::vector<Edge> edges_;
  std::vector<std::uint32_t> tids_;
  std::vector<bool> moved_nothing_;
};

struct LoadOptions {
  std::optional<std::int64_t> from_wall_ns = {};   ///< flows that ended before are left out
  std::optional<std::int64_t> until_wall_ns = {};  ///< flows that began after are left out
};

/// Immutable after Build; safe to read from many threads.
///
/// The axis of time: boot clock plus one constant per boot (the wall clock minus the boot clock at
/// the first event of that boot). Inside a boot it is the boot clock exactly, whatever is done to
/// the wall clock; across boots it is as good as the wall clock was at that first event. Hosts that
/// were connected to each other are corrected by what their connections prove of their clocks.
class Graph {
 public:
  /// Reads all events that carry a dependence with one scan of `store`.
  static Result<Graph> Load(store::Store& store, const LoadOptions& options = {});

  std::size_t node_count() const { return ids_.size(); }
  std::size_t edge_count() const { return edges_.size(); }
  /// Heap bytes of nodes, edges and adjacency.
  std::size_t size_bytes() const;

  std::optional<NodeIndex> Find(std::int64_t id) const;
  std::int64_t id(NodeIndex node) const { return ids_[node]; }
  NodeType type(NodeIndex node) const { return types_[node]; }
  NodeFlags flags(NodeIndex node) const { return flags_[node]; }
  /// The other end of a connection, or kNoNode.
  NodeIndex peer(NodeIndex node) const { return peers_[node]; }
  /// What the axis adds to the wall clock of the host on which `edge` happened.
  std::int64_t SkewOf(const Edge& edge) const;
  const Edge& edge(EdgeIndex edge) const { return edges_[edge]; }
  /// Edges into `node`, by ascending begin_ns.
  std::span<const EdgeIndex> EdgesIn(NodeIndex node) const;
  /// Edges out of `node`, by descending end_ns.
  std::span<const EdgeIndex> EdgesOut(NodeIndex node) const;

 private:
  friend class GraphBuilder;
  Graph() = default;

  std::unordered_map<std::int64_t, NodeIndex> index_;
  std::vector<std::int64_t> ids_;
  std::vector<NodeType> types_;
  std::vector<NodeFlags> flags_;
  std::vector<NodeIndex> peers_;
  std::unordered_map<NodeIndex, std::int64_t> skews_;  // of processes on hosts that were corrected
  std::vector<Edge> edges_;
  std::vector<std::uint32_t> in_start_, out_start_;  // node_count + 1
  std::vector<EdgeIndex> in_, out_;
};

}  // namespace spoor::causality
