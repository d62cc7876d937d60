// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "causal_index/flow.hpp"
#include "causal_index/flows_part.hpp"
#include "causal_index/index_file.hpp"
#include "causal_index/packed_columns.hpp"

/// What is known of nodes over all segments: their ids and types, which parts have flows of them,
/// connections, and what was there before the recording.
namespace spoor::causal_index {

/// How a host's clock is corrected (host_clocks.hpp).
struct BootClock {
  Boot boot;
  std::int64_t skew_ns = 0;  ///< to be added for the axis of all hosts
};

/// A process that was there before the recording, below its creator.
struct BaselineFork {
  std::int64_t parent_id = 0, child_id = 0;
  std::uint32_t boot = 0;  ///< place among the BootClocks
  std::int64_t start_boot_ns = 0;
};

/// Where a part has a node.
struct Posting {
  std::uint32_t part = 0;
  std::uint32_t node = 0;  ///< its number there
};

class NodesPartBuilder {
 public:
  /// The last declaration of an id counts. What did something is a process whatever is said.
  void AddNode(std::int64_t id, NodeType type, NodeFacts facts = {});
  /// Two ends of one connection, both seen: what is written to one is read from the other.
  /// Neither is `remote` then.
  void AddPeers(std::int64_t one_id, std::int64_t other_id);
  void AddBaselineFork(const BaselineFork& fork);
  void SetBoots(std::vector<BootClock> boots) { boots_ = std::move(boots); }
  /// The file, over these parts. Leaves the builder empty.
  std::vector<std::byte> Finish(std::span<const FlowsPart> parts, const SourceDigest& source);

 private:
  struct Declared {
    NodeType type = NodeType::kOther;
    NodeFacts facts;
  };
  std::unordered_map<std::int64_t, Declared> declared_;
  std::unordered_map<std::int64_t, std::int64_t> peers_;
  std::vector<BaselineFork> forks_;
  std::vector<BootClock> boots_;
};

class NodesPart {
 public:
  /// Fails as IndexFile::Open.
  static Result<NodesPart> Open(std::shared_ptr<const Bytes> bytes, const SourceDigest& source);

  std::uint32_t node_count() const { return static_cast<std::uint32_t>(nodes_.row_count() - 1); }
  std::uint64_t size_bytes() const { return file_.size_bytes(); }
  const std::vector<BootClock>& boots() const { return boots_; }
  std::optional<NodeIndex> Find(std::int64_t id) const;
  std::int64_t IdOf(NodeIndex node) const { return nodes_.At(node, 0); }
  NodeType TypeOf(NodeIndex node) const;
  NodeFacts FactsOf(NodeIndex node) const;
  /// The other end of a connection, or kNoNode.
  NodeIndex PeerOf(NodeIndex node) const;
  /// Those whose other end is `node`: as a rule its peer.
  std::vector<NodeIndex> PeersTo(NodeIndex node) const;
  std::vector<Posting> PostingsOf(NodeIndex node) const;

  std::uint32_t fork_count() const { return static_cast<std::uint32_t>(forks_.row_count()); }
  struct Fork {
    std::uint32_t number = 0;
    NodeIndex parent = 0, child = 0;
    std::uint32_t boot = 0;
    std::int64_t start_boot_ns = 0;
  };
  /// Those of which `node` is parent or child, by number.
  std::vector<Fork> ForksOf(NodeIndex node) const;

 private:
  Result<> ReadBoots();

  IndexFile file_;
  PackedColumns nodes_, postings_, peers_, peers_to_, forks_, forks_by_node_;
  std::vector<BootClock> boots_;
};

}  // namespace spoor::causal_index
