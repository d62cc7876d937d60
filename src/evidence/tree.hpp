// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "evidence/hash.hpp"

/// The Merkle tree of RFC 6962 section 2.1 and its proofs, over hashes alone: no files here.
namespace spoor::evidence {

/// Hashes of one tile; a tile level stands for 8 tree levels.
inline constexpr unsigned kTileWidth = 256;
inline constexpr unsigned kTileHeight = 8;
/// Tile levels that a tree of 2^64 entries could have.
inline constexpr unsigned kTileLevelsMax = 8;

/// Hashes at tile level `level` of a tree of `size` entries: its perfect subtrees of 256^level.
constexpr std::uint64_t HashesAtLevel(std::uint64_t size, unsigned level) {
  return size >> (kTileHeight * level);
}
/// How many hashes the incomplete last tile of `level` holds; 0: there is none.
constexpr unsigned EdgeWidth(std::uint64_t size, unsigned level) {
  return static_cast<unsigned>(HashesAtLevel(size, level) % kTileWidth);
}

/// A growing tree that remembers only the roots of its perfect subtrees ("peaks", largest first).
class CompactTree {
 public:
  CompactTree() = default;
  /// Continues a tree from the hashes of its incomplete tiles: `edges[level]` has
  /// EdgeWidth(size, level) hashes.
  CompactTree(std::uint64_t size, std::span<const std::vector<Hash>> edges, TreeHasher& hasher);

  /// Adds a leaf. Calls `on_tile_hash(tile_level, hash)` for each hash that becomes part of a tile.
  template <typename OnTileHash>
  void Append(const Hash& leaf, TreeHasher& hasher, OnTileHash on_tile_hash) {
    Hash node = leaf;
    on_tile_hash(0U, node);
    unsigned level = 0;
    for (std::uint64_t rest = size_; (rest & 1) != 0; rest >>= 1) {
      node = hasher.Node(peaks_.back(), node);
      peaks_.pop_back();
      if (++level % kTileHeight == 0) on_tile_hash(level / kTileHeight, node);
    }
    peaks_.push_back(node);
    ++size_;
  }

  Hash Root(TreeHasher& hasher) const;  ///< of the empty tree: SHA-256 of nothing
  std::uint64_t size() const { return size_; }

 private:
  std::uint64_t size_ = 0;
  std::vector<Hash> peaks_;
};

/// Hash of the perfect subtree over the entries [index << level, (index + 1) << level).
using NodeReader = std::function<Result<Hash>(unsigned level, std::uint64_t index)>;

/// The audit path of entry `index` in the tree of `size` entries (RFC 6962 section 2.1.1), from the
/// leaf's sibling up: at most 64 hashes. Fails: kInvalidArgument (index not below size), what
/// `node` fails with.
Result<std::vector<Hash>> ProveInclusion(std::uint64_t index, std::uint64_t size,
                                         const NodeReader& node);
/// Whether `proof` leads from the entry with `leaf` at `index` to `root` of the tree of `size`.
bool VerifyInclusion(const Hash& leaf, std::uint64_t index, std::uint64_t size,
                     std::span<const Hash> proof, const Hash& root);

/// Entries [begin, end) of a log.
struct EntryRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t size() const { return end - begin; }
  bool operator==(const EntryRange&) const = default;
};

/// What leads from the entries of `range` (one or more) to the root of the tree of `size`: the
/// roots of the largest subtrees beside them, from left to right, at most 128 hashes. For one entry
/// these are the hashes of ProveInclusion in another order. Fails: kInvalidArgument (not in the
/// tree), what `node` fails with.
Result<std::vector<Hash>> ProveRange(EntryRange range, std::uint64_t size, const NodeReader& node);
/// The leaf hash of the next entry.
using LeafSource = std::function<Result<Hash>()>;
/// The root that `proof` and the leaves of `range`, each asked for once and in order, have
/// together. Memory does not grow with the range. Fails: kUnverified (not in the tree, or a proof
/// of another length than it must have), what `leaf` fails with.
Result<Hash> RootOfRange(EntryRange range, std::uint64_t size, std::span<const Hash> proof,
                         const LeafSource& leaf);

/// That the tree of `old_size` is a prefix of the tree of `size` (RFC 6962 section 2.1.2). Empty
/// for equal sizes and for old_size 0. Fails: kInvalidArgument (old_size above size), what `node`
/// fails with.
Result<std::vector<Hash>> ProveConsistency(std::uint64_t old_size, std::uint64_t size,
                                           const NodeReader& node);

/// Root of the first `size` entries of a tree that has at least as many; of none: SHA-256 of
/// nothing. Reads at most 64 nodes. Fails: what `node` fails with.
Result<Hash> PrefixRoot(std::uint64_t size, const NodeReader& node);

/// What a consistency proof speaks about.
struct TreeGrowth {
  std::uint64_t old_size = 0;
  Hash old_root{};
  std::uint64_t size = 0;
  Hash root{};
};
bool VerifyConsistency(const TreeGrowth& growth, std::span<const Hash> proof);

}  // namespace spoor::evidence
