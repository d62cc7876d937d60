// SPDX-License-Identifier: Apache-2.0
// Proofs follow the definitions of RFC 6962 section 2.1 by recursion on ranges [begin, end); the
// checks follow RFC 9162 sections 2.1.3.2 and 2.1.4.2, which walk the same tree from the leaf up.
#include "evidence/tree.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace spoor::evidence {
namespace {

using Range = EntryRange;

/// Where RFC 6962 splits a range of two or more: after the largest power of two below its size.
std::uint64_t SplitOf(Range range) {
  return range.begin + std::bit_floor(range.size() - 1);
}

/// Root of the subtree over `range`. A range that a proof names is perfect or reaches the end of
/// the tree or of a prefix of it, so at most 64 nodes are read.
Result<Hash> RangeRoot(Range range, const NodeReader& node, TreeHasher& hasher) {
  if (std::has_single_bit(range.size())) {
    const auto level = static_cast<unsigned>(std::countr_zero(range.size()));
    return node(level, range.begin >> level);
  }
  ASSIGN_OR_RETURN(const Hash left, RangeRoot({range.begin, SplitOf(range)}, node, hasher));
  ASSIGN_OR_RETURN(const Hash right, RangeRoot({SplitOf(range), range.end}, node, hasher));
  return hasher.Node(left, right);
}

/// Appends the roots of the largest subtrees of `tree` that have no entry of `wanted`.
Result<> ProveAround(Range wanted, Range tree, const NodeReader& node, TreeHasher& hasher,
                     std::vector<Hash>& proof) {
  if (wanted.begin <= tree.begin && tree.end <= wanted.end) return {};
  if (tree.end <= wanted.begin || wanted.end <= tree.begin) {
    ASSIGN_OR_RETURN(const Hash hash, RangeRoot(tree, node, hasher));
    proof.push_back(hash);
    return {};
  }
  RETURN_IF_ERROR(ProveAround(wanted, {tree.begin, SplitOf(tree)}, node, hasher, proof));
  return ProveAround(wanted, {SplitOf(tree), tree.end}, node, hasher, proof);
}

/// Computes a root from a range's leaves and its proof, taking both from left to right.
class RangeFold {
 public:
  RangeFold(Range wanted, std::span<const Hash> proof, const LeafSource& leaf)
      : wanted_(wanted), rest_(proof), leaf_(leaf) {}

  Result<Hash> Root(Range tree) {
    if (tree.end <= wanted_.begin || wanted_.end <= tree.begin) {
      if (rest_.empty()) return Fail(ErrorCode::kUnverified, "the proof is too short");
      const Hash hash = rest_.front();
      rest_ = rest_.subspan(1);
      return hash;
    }
    if (tree.size() == 1) return leaf_();
    ASSIGN_OR_RETURN(const Hash left, Root({tree.begin, SplitOf(tree)}));
    ASSIGN_OR_RETURN(const Hash right, Root({SplitOf(tree), tree.end}));
    return hasher_.Node(left, right);
  }
  bool used_up() const { return rest_.empty(); }

 private:
  const Range wanted_;
  std::span<const Hash> rest_;
  const LeafSource& leaf_;
  TreeHasher hasher_;
};

/// The way from a leaf, or the last node of an older tree, up to the root, as a proof's hashes
/// accompany it.
class Climb {
 public:
  Climb(std::uint64_t index, std::uint64_t last) : index_(index), last_(last) {}
  bool at_root() const { return last_ == 0; }
  /// Goes up by one hash of the proof; true: it stands on the left side.
  bool NextIsLeft() {
    const bool left = (index_ & 1) != 0 || index_ == last_;
    // At the right edge levels without a sibling are passed over.
    while (left && (index_ & 1) == 0 && index_ != 0) Up();
    Up();
    return left;
  }
  /// To where the node is a left child: from there on an older tree's last subtree can grow.
  void SkipRightChildren() {
    while ((index_ & 1) != 0) Up();
  }

 private:
  void Up() {
    index_ >>= 1;
    last_ >>= 1;
  }
  std::uint64_t index_;
  std::uint64_t last_;  // index of the level's last node
};

}  // namespace

CompactTree::CompactTree(std::uint64_t size, std::span<const std::vector<Hash>> edges,
                         TreeHasher& hasher)
    : size_(size) {
  for (unsigned level = kTileLevelsMax; level-- > 0;) {
    const unsigned width = EdgeWidth(size, level);
    if (width == 0) continue;
    SPOOR_CHECK(level < edges.size() && edges[level].size() == width) << "edge of level " << level;
    std::span<const Hash> rest = edges[level];
    while (!rest.empty()) {
      const std::size_t count = std::bit_floor(rest.size());
      peaks_.push_back(hasher.PerfectRoot(rest.first(count)));
      rest = rest.subspan(count);
    }
  }
}

Hash CompactTree::Root(TreeHasher& hasher) const {
  if (peaks_.empty()) return hasher.Plain({});
  Hash root = peaks_.back();
  for (std::size_t i = peaks_.size() - 1; i-- > 0;) root = hasher.Node(peaks_[i], root);
  return root;
}

Result<std::vector<Hash>> ProveInclusion(std::uint64_t index, std::uint64_t size,
                                         const NodeReader& node) {
  if (index >= size) {
    return Fail(ErrorCode::kInvalidArgument, "entry {}: the tree has {} entries", index, size);
  }
  TreeHasher hasher;
  std::vector<Hash> proof;
  Range range{0, size};
  while (range.size() > 1) {
    const std::uint64_t split = SplitOf(range);
    const Range sibling = index < split ? Range{split, range.end} : Range{range.begin, split};
    ASSIGN_OR_RETURN(const Hash hash, RangeRoot(sibling, node, hasher));
    proof.push_back(hash);
    range = index < split ? Range{range.begin, split} : Range{split, range.end};
  }
  std::reverse(proof.begin(), proof.end());
  return proof;
}

bool VerifyInclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size,
                     std::span<const Hash> proof, const Hash& root) {
  if (index >= size) return false;
  TreeHasher hasher;
  Hash hash = leaf;
  Climb climb(index, size - 1);
  for (const Hash& sibling : proof) {
    if (climb.at_root()) return false;  // longer than the path
    hash = climb.NextIsLeft() ? hasher.Node(sibling, hash) : hasher.Node(hash, sibling);
  }
  return climb.at_root() && hash == root;
}

Result<std::vector<Hash>> ProveRange(EntryRange range, std::uint64_t size, const NodeReader& node) {
  if (range.begin >= range.end || range.end > size) {
    return Fail(ErrorCode::kInvalidArgument, "entries {} to before {}: the tree has {} entries",
                range.begin, range.end, size);
  }
  TreeHasher hasher;
  std::vector<Hash> proof;
  RETURN_IF_ERROR(ProveAround(range, {0, size}, node, hasher, proof));
  return proof;
}

Result<Hash> RootOfRange(EntryRange range, std::uint64_t size, std::span<const Hash> proof,
                         const LeafSource& leaf) {
  if (range.begin >= range.end || range.end > size) {
    return Fail(ErrorCode::kUnverified, "entries {} to before {} of a tree of {}", range.begin,
                range.end, size);
  }
  RangeFold fold(range, proof, leaf);
  ASSIGN_OR_RETURN(const Hash root, fold.Root({0, size}));
  if (!fold.used_up()) return Fail(ErrorCode::kUnverified, "the proof is too long");
  return root;
}

Result<std::vector<Hash>> ProveConsistency(std::uint64_t old_size, std::uint64_t size,
                                           const NodeReader& node) {
  if (old_size > size) {
    return Fail(ErrorCode::kInvalidArgument, "the tree of {} entries is no prefix of one of {}",
                old_size, size);
  }
  std::vector<Hash> proof;
  if (old_size == 0 || old_size == size) return proof;
  TreeHasher hasher;
  Range range{0, size};
  while (range.end != old_size) {
    const std::uint64_t split = SplitOf(range);
    const Range other = old_size <= split ? Range{split, range.end} : Range{range.begin, split};
    ASSIGN_OR_RETURN(const Hash hash, RangeRoot(other, node, hasher));
    proof.push_back(hash);
    range = old_size <= split ? Range{range.begin, split} : Range{split, range.end};
  }
  // The old tree's own root is known to the verifier; any other subtree is named first.
  if (range.begin != 0) {
    ASSIGN_OR_RETURN(const Hash hash, RangeRoot(range, node, hasher));
    proof.push_back(hash);
  }
  std::reverse(proof.begin(), proof.end());
  return proof;
}

Result<Hash> PrefixRoot(std::uint64_t size, const NodeReader& node) {
  TreeHasher hasher;
  if (size == 0) return hasher.Plain({});
  return RangeRoot({0, size}, node, hasher);
}

bool VerifyConsistency(const TreeGrowth& growth, std::span<const Hash> proof) {
  TreeHasher hasher;
  if (growth.old_size > growth.size) return false;
  if (growth.old_size == growth.size) return proof.empty() && growth.old_root == growth.root;
  if (growth.old_size == 0) return proof.empty() && growth.old_root == hasher.Plain({});
  const bool old_is_perfect = std::has_single_bit(growth.old_size);
  if (!old_is_perfect && proof.empty()) return false;
  Hash old_hash = old_is_perfect ? growth.old_root : proof.front();
  if (!old_is_perfect) proof = proof.subspan(1);
  Hash hash = old_hash;
  Climb climb(growth.old_size - 1, growth.size - 1);
  climb.SkipRightChildren();
  for (const Hash& sibling : proof) {
    if (climb.at_root()) return false;
    const bool left = climb.NextIsLeft();
    if (left) old_hash = hasher.Node(sibling, old_hash);
    hash = left ? hasher.Node(sibling, hash) : hasher.Node(hash, sibling);
  }
  return climb.at_root() && old_hash == growth.old_root && hash == growth.root;
}

}  // namespace spoor::evidence
