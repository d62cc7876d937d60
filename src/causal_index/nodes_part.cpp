// SPDX-License-Identifier: Apache-2.0
#include "causal_index/nodes_part.hpp"

#include <algorithm>
#include <array>
#include <queue>
#include <string>
#include <tuple>

namespace spoor::causal_index {
namespace {

enum Section : std::size_t {
  kNodes,
  kPostings,
  kPeers,
  kPeersTo,
  kForks,
  kForksByNode,
  kBoots,
  kBootTexts,
  kSectionCount
};
enum NodeColumn : std::size_t { kId, kBits, kPostingBegin, kNodeColumns };
constexpr std::size_t kPairColumns = 2;
constexpr std::size_t kForkColumns = 4;
enum BootColumn : std::size_t { kHostId, kTextEnd, kShift, kSkew, kBootColumns };
constexpr std::uint64_t kNodesMax = 0xfffffff0;
constexpr std::uint64_t kBootsMax = 1 << 20;
constexpr std::int64_t kBootIdBytesMax = 4096;

using Pair = std::array<std::int64_t, 2>;

constexpr std::int64_t kHasPeer = 256;

std::int64_t BitsOf(NodeType type, NodeFacts facts) {
  return static_cast<std::int64_t>(type) | (facts.noise ? 8 : 0) | (facts.remote ? 16 : 0) |
         (facts.inbound ? 32 : 0) | (facts.outbound ? 64 : 0) | (facts.has_sides ? 128 : 0);
}

std::vector<std::byte> Packed(std::vector<Pair> pairs) {
  std::ranges::sort(pairs);
  PackedWriter writer(kPairColumns);
  for (const Pair& pair : pairs) writer.Add(pair);
  return writer.Finish();
}

/// One node of one part, and all of them by id: a merge of lists that are sorted.
struct PartNode {
  std::int64_t id;
  std::uint32_t part, node;
  bool operator<(const PartNode& other) const {
    return std::tie(id, part) > std::tie(other.id, other.part);  // the smallest is on top
  }
};

class PartNodes {
 public:
  explicit PartNodes(std::span<const FlowsPart> parts) : parts_(parts) {
    for (std::uint32_t part = 0; part < parts.size(); ++part) {
      if (parts[part].node_count() > 0) queue_.push({parts[part].IdOf(0), part, 0});
    }
  }
  const PartNode* Next() const { return queue_.empty() ? nullptr : &queue_.top(); }
  void Drop() {
    const PartNode top = queue_.top();
    queue_.pop();
    const FlowsPart& part = parts_[top.part];
    if (top.node + 1 < part.node_count()) {
      queue_.push({part.IdOf(top.node + 1), top.part, top.node + 1});
    }
  }

 private:
  std::span<const FlowsPart> parts_;
  std::priority_queue<PartNode> queue_;
};

}  // namespace

void NodesPartBuilder::AddNode(std::int64_t id, NodeType type, NodeFacts facts) {
  declared_[id] = {type, facts};
}

void NodesPartBuilder::AddPeers(std::int64_t one_id, std::int64_t other_id) {
  if (one_id == other_id) return;
  declared_.try_emplace(one_id);
  declared_.try_emplace(other_id);
  peers_[one_id] = other_id;
  peers_[other_id] = one_id;
}

void NodesPartBuilder::AddBaselineFork(const BaselineFork& fork) {
  if (fork.parent_id == fork.child_id) return;
  declared_[fork.parent_id].type = NodeType::kProcess;
  declared_[fork.child_id].type = NodeType::kProcess;
  forks_.push_back(fork);
}

std::vector<std::byte> NodesPartBuilder::Finish(std::span<const FlowsPart> parts,
                                                const SourceDigest& source) {
  std::vector<std::int64_t> known;
  known.reserve(declared_.size());
  for (const auto& [id, declared] : declared_) known.push_back(id);
  std::ranges::sort(known);

  std::vector<std::int64_t> ids;
  PackedWriter nodes(kNodeColumns), postings(kPairColumns);
  PartNodes from_parts(parts);
  std::size_t next_known = 0;
  while (from_parts.Next() != nullptr || next_known < known.size()) {
    std::int64_t id = from_parts.Next() != nullptr ? from_parts.Next()->id : known[next_known];
    if (next_known < known.size()) id = std::min(id, known[next_known]);
    Declared declared;
    if (next_known < known.size() && known[next_known] == id) {
      declared = declared_[id];
      ++next_known;
    }
    const auto posting_begin = static_cast<std::int64_t>(postings.row_count());
    while (from_parts.Next() != nullptr && from_parts.Next()->id == id) {
      const PartNode& there = *from_parts.Next();
      if (parts[there.part].SummaryOf(there.node).is_process) declared.type = NodeType::kProcess;
      postings.Add(Pair{there.part, there.node});
      from_parts.Drop();
    }
    const bool has_peer = peers_.contains(id);
    if (has_peer) declared.facts.remote = false;
    const std::int64_t bits = BitsOf(declared.type, declared.facts) | (has_peer ? kHasPeer : 0);
    nodes.Add(std::array<std::int64_t, kNodeColumns>{id, bits, posting_begin});
    ids.push_back(id);
  }
  nodes.Add(std::array<std::int64_t, kNodeColumns>{
      ids.empty() ? 0 : ids.back(), 0, static_cast<std::int64_t>(postings.row_count())});
  const auto index_of = [&ids](std::int64_t id) {
    return std::int64_t{std::ranges::lower_bound(ids, id) - ids.begin()};
  };
  std::vector<Pair> peers, peers_to, forks_by_node;
  for (const auto& [one, other] : peers_) {
    peers.push_back({index_of(one), index_of(other)});
    peers_to.push_back({index_of(other), index_of(one)});
  }
  PackedWriter forks(kForkColumns);
  for (std::size_t i = 0; i < forks_.size(); ++i) {
    const std::int64_t parent = index_of(forks_[i].parent_id);
    const std::int64_t child = index_of(forks_[i].child_id);
    forks.Add(std::array<std::int64_t, kForkColumns>{parent, child, forks_[i].boot,
                                                     forks_[i].start_boot_ns});
    forks_by_node.push_back({parent, static_cast<std::int64_t>(i)});
    forks_by_node.push_back({child, static_cast<std::int64_t>(i)});
  }
  PackedWriter boots(kBootColumns);
  std::vector<std::byte> texts;
  for (const BootClock& clock : boots_) {
    const std::string& name = clock.boot.boot_id;
    const auto text = std::as_bytes(std::span(name.data(), name.size()));
    texts.insert(texts.end(), text.begin(), text.end());
    boots.Add(std::array<std::int64_t, kBootColumns>{clock.boot.host_id,
                                                     static_cast<std::int64_t>(texts.size()),
                                                     clock.boot.shift_ns, clock.skew_ns});
  }
  *this = NodesPartBuilder();
  return MakeIndexFile(
      FileKind::kNodes, source,
      {nodes.Finish(), postings.Finish(), Packed(std::move(peers)), Packed(std::move(peers_to)),
       forks.Finish(), Packed(std::move(forks_by_node)), boots.Finish(), std::move(texts)});
}

Result<NodesPart> NodesPart::Open(std::shared_ptr<const Bytes> bytes, const SourceDigest& source) {
  NodesPart part;
  ASSIGN_OR_RETURN(part.file_,
                   IndexFile::Open(std::move(bytes), FileKind::kNodes, source, kSectionCount));
  const auto open = [&part](Section section, std::size_t column_count) {
    return PackedColumns::Open(part.file_.section(section), column_count);
  };
  ASSIGN_OR_RETURN(part.nodes_, open(kNodes, kNodeColumns));
  ASSIGN_OR_RETURN(part.postings_, open(kPostings, kPairColumns));
  ASSIGN_OR_RETURN(part.peers_, open(kPeers, kPairColumns));
  ASSIGN_OR_RETURN(part.peers_to_, open(kPeersTo, kPairColumns));
  ASSIGN_OR_RETURN(part.forks_, open(kForks, kForkColumns));
  ASSIGN_OR_RETURN(part.forks_by_node_, open(kForksByNode, kPairColumns));
  if (part.nodes_.row_count() == 0 || part.nodes_.row_count() > kNodesMax ||
      part.forks_.row_count() > kNodesMax) {
    return Fail(ErrorCode::kCorrupt, "has a number of nodes that cannot be");
  }
  RETURN_IF_ERROR(part.ReadBoots());
  return part;
}

Result<> NodesPart::ReadBoots() {
  ASSIGN_OR_RETURN(const PackedColumns boots,
                   PackedColumns::Open(file_.section(kBoots), kBootColumns));
  const std::span<const std::byte> texts = file_.section(kBootTexts);
  if (boots.row_count() > kBootsMax) return Fail(ErrorCode::kCorrupt, "has too many boots");
  std::int64_t begin = 0;
  for (std::uint64_t i = 0; i < boots.row_count(); ++i) {
    std::array<std::int64_t, kBootColumns> row{};
    boots.Row(i, row);
    const std::int64_t end = row[kTextEnd];
    if (end < begin || end - begin > kBootIdBytesMax || std::cmp_greater(end, texts.size())) {
      return Fail(ErrorCode::kCorrupt, "has the name of a boot outside of itself");
    }
    BootClock& clock = boots_.emplace_back();
    clock.boot.host_id = row[kHostId];
    clock.boot.boot_id.assign(reinterpret_cast<const char*>(texts.data()) + begin,
                              static_cast<std::size_t>(end - begin));
    clock.boot.shift_ns = row[kShift];
    clock.skew_ns = row[kSkew];
    begin = end;
  }
  return {};
}

std::optional<NodeIndex> NodesPart::Find(std::int64_t id) const {
  const std::uint64_t place = nodes_.LowerBound(0, node_count(), kId, id);
  if (place == node_count() || nodes_.At(place, kId) != id) return std::nullopt;
  return static_cast<NodeIndex>(place);
}

NodeType NodesPart::TypeOf(NodeIndex node) const {
  const std::int64_t type = nodes_.At(node, kBits) & 7;
  return type > static_cast<std::int64_t>(NodeType::kOther) ? NodeType::kOther
                                                            : static_cast<NodeType>(type);
}

NodeFacts NodesPart::FactsOf(NodeIndex node) const {
  const std::int64_t bits = nodes_.At(node, kBits);
  return {.noise = (bits & 8) != 0,
          .remote = (bits & 16) != 0,
          .inbound = (bits & 32) != 0,
          .outbound = (bits & 64) != 0,
          .has_sides = (bits & 128) != 0};
}

NodeIndex NodesPart::PeerOf(NodeIndex node) const {
  if ((nodes_.At(node, kBits) & kHasPeer) == 0) return kNoNode;
  const std::uint64_t place = peers_.LowerBound(0, peers_.row_count(), 0, node);
  if (place == peers_.row_count() || peers_.At(place, 0) != node) return kNoNode;
  const std::int64_t peer = peers_.At(place, 1);
  return peer < 0 || peer >= node_count() ? kNoNode : static_cast<NodeIndex>(peer);
}

std::vector<NodeIndex> NodesPart::PeersTo(NodeIndex node) const {
  std::vector<NodeIndex> found;
  // Who is somebody's other end has one itself.
  if ((nodes_.At(node, kBits) & kHasPeer) == 0) return found;
  std::uint64_t place = peers_to_.LowerBound(0, peers_to_.row_count(), 0, node);
  for (; place < peers_to_.row_count() && peers_to_.At(place, 0) == node; ++place) {
    const std::int64_t other = peers_to_.At(place, 1);
    if (other >= 0 && other < node_count()) found.push_back(static_cast<NodeIndex>(other));
  }
  return found;
}

std::vector<Posting> NodesPart::PostingsOf(NodeIndex node) const {
  const std::int64_t begin = nodes_.At(node, kPostingBegin);
  const std::int64_t end = nodes_.At(std::uint64_t{node} + 1, kPostingBegin);
  std::vector<Posting> found;
  for (std::int64_t place = std::max<std::int64_t>(begin, 0);
       place < end && std::cmp_less(place, postings_.row_count()); ++place) {
    const std::int64_t part = postings_.At(static_cast<std::uint64_t>(place), 0);
    const std::int64_t there = postings_.At(static_cast<std::uint64_t>(place), 1);
    found.push_back({static_cast<std::uint32_t>(part), static_cast<std::uint32_t>(there)});
  }
  return found;
}

std::vector<NodesPart::Fork> NodesPart::ForksOf(NodeIndex node) const {
  std::vector<Fork> found;
  std::uint64_t place = forks_by_node_.LowerBound(0, forks_by_node_.row_count(), 0, node);
  for (; place < forks_by_node_.row_count() && forks_by_node_.At(place, 0) == node; ++place) {
    const std::int64_t number = forks_by_node_.At(place, 1);
    if (number < 0 || std::cmp_greater_equal(number, forks_.row_count())) continue;
    std::array<std::int64_t, kForkColumns> row{};
    forks_.Row(static_cast<std::uint64_t>(number), row);
    const auto in = [](std::int64_t value, std::size_t end) {
      return value >= 0 && std::cmp_less(value, end);
    };
    if (!in(row[0], node_count()) || !in(row[1], node_count()) || !in(row[2], boots_.size())) {
      continue;
    }
    found.push_back({.number = static_cast<std::uint32_t>(number),
                     .parent = static_cast<NodeIndex>(row[0]),
                     .child = static_cast<NodeIndex>(row[1]),
                     .boot = static_cast<std::uint32_t>(row[2]),
                     .start_boot_ns = row[3]});
  }
  return found;
}

}  // namespace spoor::causal_index
