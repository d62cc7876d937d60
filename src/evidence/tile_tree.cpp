// SPDX-License-Identifier: Apache-2.0
#include "evidence/tile_tree.hpp"

#include <charconv>
#include <cstring>

#include "base/inside.hpp"

namespace spoor::evidence {
namespace {

/// A writer may rename a tile while it is looked for: .p/W to .partial to NNN, and back to .p/W.
/// What is not found in this many rounds is missing.
constexpr int kAttempts = 100;

/// The number of the file in the closed form's folder that has at least `width`; nothing if none.
std::optional<unsigned> FindClosedWidth(const std::filesystem::path& folder, TileId id,
                                        unsigned width) {
  const Result<std::vector<std::string>> names =
      ListInside(RootOf(folder), folder / ClosedFolderPath(id), kTileWidth);
  if (!names) return std::nullopt;
  for (const std::string& name : *names) {
    unsigned number = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
    if (parsed.ec == std::errc() && fmt::format("{}", number) == name && number >= width) {
      return number;
    }
  }
  return std::nullopt;
}

}  // namespace

Result<StoredTile> ReadStoredTile(const std::filesystem::path& folder, TileId id, unsigned width) {
  const std::uint64_t bytes_max = id.entries ? kBundleBytesMax : kTileBytes;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    for (const TileForm form : {TileForm::kFull, TileForm::kGrowing, TileForm::kClosed}) {
      StoredTile tile{.path = {}, .form = form, .width = 0, .bytes = {}};
      if (form == TileForm::kClosed) {
        const std::optional<unsigned> closed = FindClosedWidth(folder, id, width);
        if (!closed) continue;
        tile.width = *closed;
      }
      tile.path = folder / TilePath(id, form, tile.width);
      Result<std::vector<std::byte>> bytes = ReadFileInside(RootOf(folder), tile.path, bytes_max);
      if (bytes) {
        // A writer that opened the log again in the meantime has appended to the same file.
        if (form == TileForm::kClosed && !ExistsInside(RootOf(folder), tile.path)) continue;
        tile.bytes = std::move(*bytes);
        return tile;
      }
      if (bytes.error().code == ErrorCode::kNotFound) continue;
      if (bytes.error().code == ErrorCode::kCorrupt) bytes.error().code = ErrorCode::kUnverified;
      return tl::unexpected<Error>(bytes.error());
    }
  }
  const TileForm expected = width == kTileWidth ? TileForm::kFull : TileForm::kClosed;
  return Fail(ErrorCode::kUnverified, "{}: missing, and so is its .partial",
              (folder / TilePath(id, expected, width)).string());
}

Result<std::vector<Hash>> ReadHashes(const std::filesystem::path& folder, TileId id,
                                     unsigned width) {
  ASSIGN_OR_RETURN(const StoredTile tile, ReadStoredTile(folder, id, width));
  const std::size_t size_bytes = tile.bytes.size();
  const bool fits = tile.form == TileForm::kFull     ? size_bytes == kTileBytes
                    : tile.form == TileForm::kClosed ? size_bytes == tile.width * sizeof(Hash)
                                                     : size_bytes >= width * sizeof(Hash);
  if (!fits) {
    return Fail(ErrorCode::kUnverified, "{}: has {} bytes, does not hold {} hashes of 32 bytes",
                tile.path.string(), size_bytes,
                tile.form == TileForm::kFull     ? kTileWidth
                : tile.form == TileForm::kClosed ? tile.width
                                                 : width);
  }
  std::vector<Hash> hashes(width);
  std::memcpy(hashes.data(), tile.bytes.data(), width * sizeof(Hash));
  return hashes;
}

std::optional<std::span<const std::byte>> BundleParser::Next() {
  if (rest_.size() < 2) return std::nullopt;
  const std::size_t size_bytes =
      std::to_integer<std::size_t>(rest_[0]) << 8 | std::to_integer<std::size_t>(rest_[1]);
  if (rest_.size() - 2 < size_bytes) return std::nullopt;
  const std::span<const std::byte> entry = rest_.subspan(2, size_bytes);
  rest_ = rest_.subspan(2 + size_bytes);
  return entry;
}

Result<std::unique_ptr<TileTree>> TileTree::Open(const std::filesystem::path& folder,
                                                 std::uint64_t size, const Hash& root) {
  std::vector<std::vector<Hash>> edges(kTileLevelsMax);
  for (unsigned level = 0; level < kTileLevelsMax; ++level) {
    const unsigned width = EdgeWidth(size, level);
    if (width == 0) continue;
    const TileId id{
        .entries = false, .level = level, .index = HashesAtLevel(size, level) / kTileWidth};
    ASSIGN_OR_RETURN(edges[level], ReadHashes(folder, id, width));
  }
  auto tree = std::unique_ptr<TileTree>(new TileTree(folder, size, std::move(edges)));
  if (CompactTree(size, tree->edges_, tree->hasher_).Root(tree->hasher_) != root) {
    return Fail(ErrorCode::kUnverified,
                "{}: the incomplete tiles of a tree of {} entries do not lead to the signed root",
                (folder / "tile").string(), size);
  }
  return tree;
}

Result<std::span<const Hash>> TileTree::Tile(unsigned level, std::uint64_t index) {
  const std::uint64_t full_count =
      level < kTileLevelsMax ? HashesAtLevel(size_, level) / kTileWidth : 0;
  if (level < kTileLevelsMax && index == full_count && !edges_[level].empty()) {
    return std::span<const Hash>(edges_[level]);
  }
  if (index >= full_count) {
    return Fail(ErrorCode::kInvalidArgument, "a tree of {} entries has no tile {} of level {}",
                size_, index, level);
  }
  CachedTile& cached = cached_[level];
  if (!cached.hashes.empty() && cached.index == index) return std::span<const Hash>(cached.hashes);
  const TileId id{.entries = false, .level = level, .index = index};
  ASSIGN_OR_RETURN(std::vector<Hash> hashes, ReadHashes(folder_, id, kTileWidth));
  // The tile above is authenticated first, so a mismatch is this tile's fault.
  ASSIGN_OR_RETURN(const std::span<const Hash> above, Tile(level + 1, index / kTileWidth));
  if (hasher_.PerfectRoot(hashes) != above[index % kTileWidth]) {
    return Fail(ErrorCode::kUnverified, "{}: its hashes do not lead to the signed root",
                (folder_ / TilePath(id, TileForm::kFull)).string());
  }
  cached = {index, std::move(hashes)};
  return std::span<const Hash>(cached.hashes);
}

Result<Hash> TileTree::Node(unsigned level, std::uint64_t index) {
  const unsigned height = level % kTileHeight;
  if (level >= 64 || index > (UINT64_MAX >> level)) {
    return Fail(ErrorCode::kInvalidArgument, "no node {} of level {}", index, level);
  }
  const std::uint64_t first = index << height;
  const std::size_t count = std::size_t{1} << height;
  ASSIGN_OR_RETURN(const std::span<const Hash> tile, Tile(level / kTileHeight, first / kTileWidth));
  if (first % kTileWidth + count > tile.size()) {
    return Fail(ErrorCode::kInvalidArgument, "a tree of {} entries has no node {} of level {}",
                size_, index, level);
  }
  return hasher_.PerfectRoot(tile.subspan(first % kTileWidth, count));
}

}  // namespace spoor::evidence
