// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "evidence/hash.hpp"
#include "evidence/tile_path.hpp"
#include "evidence/tree.hpp"

namespace spoor::evidence {

inline constexpr std::size_t kTileBytes = kTileWidth * sizeof(Hash);
inline constexpr std::size_t kEntryBytesMax = 65535;
/// A bundle: 256 times a big-endian 16-bit length and as many bytes.
inline constexpr std::size_t kBundleBytesMax = kTileWidth * (2 + kEntryBytesMax);

struct StoredTile {
  std::filesystem::path path;  ///< where it was found
  TileForm form = TileForm::kFull;
  unsigned width = 0;  ///< kClosed: the number in its name
  std::vector<std::byte> bytes;
};

/// Reads tile or bundle `id`, in whatever form it is stored, of which the first `width` hashes or
/// entries are wanted. Follows a live writer's renames. Fails: kUnverified (missing, or larger than
/// such a file can be), kIo.
Result<StoredTile> ReadStoredTile(const std::filesystem::path& folder, TileId id, unsigned width);

/// The first `width` hashes of tile (level, index), not authenticated. Fails: kUnverified (missing,
/// wrong length), kIo.
Result<std::vector<Hash>> ReadHashes(const std::filesystem::path& folder, TileId id,
                                     unsigned width);

/// Takes entry after entry off a bundle.
class BundleParser {
 public:
  explicit BundleParser(std::span<const std::byte> bytes) : rest_(bytes) {}
  /// Nothing when the bundle ends inside or before the entry.
  std::optional<std::span<const std::byte>> Next();
  std::size_t rest_bytes() const { return rest_.size(); }

 private:
  std::span<const std::byte> rest_;
};

/// The hash tiles of one log, each authenticated from the signed root downwards before use: the
/// incomplete tiles of the right edge lead to the root, a full tile to its hash in the tile above.
/// Holds at most one full tile a level. Not thread-safe.
class TileTree {
 public:
  /// Fails: kUnverified (a tile of the right edge is missing, or they do not lead to `root`), kIo.
  static Result<std::unique_ptr<TileTree>> Open(const std::filesystem::path& folder,
                                                std::uint64_t size, const Hash& root);

  /// The hashes of tile (level, index): 256, or fewer at the right edge. They live until the next
  /// call with the same level. Fails: kUnverified (names the tile), kInvalidArgument (not in the
  /// tree), kIo.
  Result<std::span<const Hash>> Tile(unsigned level, std::uint64_t index);

  /// A NodeReader's answer (tree.hpp).
  Result<Hash> Node(unsigned level, std::uint64_t index);

 private:
  struct CachedTile {
    std::uint64_t index = 0;
    std::vector<Hash> hashes;  // empty: nothing cached
  };
  TileTree(std::filesystem::path folder, std::uint64_t size, std::vector<std::vector<Hash>> edges)
      : folder_(std::move(folder)), size_(size), edges_(std::move(edges)) {}

  std::filesystem::path folder_;
  std::uint64_t size_;
  std::vector<std::vector<Hash>> edges_;  // by level
  std::array<CachedTile, kTileLevelsMax> cached_;
  TreeHasher hasher_;
};

}  // namespace spoor::evidence
