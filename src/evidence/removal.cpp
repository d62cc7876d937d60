// SPDX-License-Identifier: Apache-2.0
#include "evidence/removal.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <bit>
#include <set>
#include <vector>

#include "base/check.hpp"
#include "base/inside.hpp"
#include "evidence/file_attribute.hpp"

namespace spoor::evidence {
namespace {

namespace fs = std::filesystem;

Result<std::optional<FoundRetention>> FindInBundle(const fs::path& folder, std::uint64_t bundle,
                                                   TileTree& tree, TreeHasher& hasher) {
  ASSIGN_OR_RETURN(const std::span<const Hash> leaves, tree.Tile(0, bundle));
  const auto width = static_cast<unsigned>(leaves.size());
  ASSIGN_OR_RETURN(const StoredTile tile,
                   ReadStoredTile(folder, {.entries = true, .level = 0, .index = bundle}, width));
  BundleParser parser(tile.bytes);
  std::optional<FoundRetention> found;
  for (unsigned i = 0; i < width; ++i) {
    const std::uint64_t index = bundle * kTileWidth + i;
    const std::optional<std::span<const std::byte>> entry = parser.Next();
    if (!entry) {
      return Fail(ErrorCode::kUnverified, "{}: entry {} is cut off at the end of the file",
                  tile.path.string(), index);
    }
    if (wire::PeekKind(*entry) != wire::BatchKind::kRetention) continue;
    if (hasher.Leaf(*entry) != leaves[i]) {
      return Fail(ErrorCode::kUnverified, "{}: entry {} is not the one that was logged",
                  tile.path.string(), index);
    }
    ASSIGN_OR_RETURN(const wire::Batch batch, wire::DecodeBatch(*entry));
    ASSIGN_OR_RETURN(wire::Retention retention, wire::ParseRetention(AsText(batch.payload)));
    found = FoundRetention{std::move(retention), index};
  }
  return found;
}

/// What it says must fit the log that it is in.
Result<> CheckRetention(const FoundRetention& found, TileTree& tree) {
  const wire::Retention& retention = found.retention;
  const auto bad = [&](std::string_view why) {
    return Fail(ErrorCode::kUnverified, "entry {}: a retention entry {}", found.entry, why);
  };
  if (retention.carried_count > found.entry ||
      retention.removed_until_entry > found.entry - retention.carried_count) {
    return bad("that claims entries behind it");
  }
  ASSIGN_OR_RETURN(const Hash root, RootOfFirst(retention.removed_until_entry,
                                                [&](unsigned level, std::uint64_t index) {
                                                  return tree.Node(level, index);
                                                }));
  if (root != retention.root)
    return bad("for another log: its root is not that of the first entries");
  return {};
}

}  // namespace

bool LacksBeginning(const fs::path& folder, std::uint64_t size) {
  if (size < kTileWidth) return false;
  const TileId first{.entries = true, .level = 0, .index = 0};
  // A writer may rename it at this moment: from growing to full.
  return !ExistsInside(RootOf(folder), folder / TilePath(first, TileForm::kGrowing)) &&
         !ExistsInside(RootOf(folder), folder / TilePath(first, TileForm::kFull));
}

Result<Hash> RootOfFirst(std::uint64_t size, const NodeReader& node) {
  SPOOR_CHECK(size != 0) << "no tree";
  std::vector<Hash> peaks;
  std::uint64_t first = 0;
  for (unsigned level = 64; level-- > 0;) {
    if ((size >> level & 1) == 0) continue;
    ASSIGN_OR_RETURN(const Hash peak, node(level, first >> level));
    peaks.push_back(peak);
    first += std::uint64_t{1} << level;
  }
  TreeHasher hasher;
  Hash root = peaks.back();
  for (std::size_t i = peaks.size() - 1; i-- > 0;) root = hasher.Node(peaks[i], root);
  return root;
}

Result<std::optional<FoundRetention>> FindRetention(const fs::path& folder, std::uint64_t size,
                                                    TileTree& tree) {
  TreeHasher hasher;
  for (std::uint64_t bundle = (size + kTileWidth - 1) / kTileWidth; bundle-- > 0;) {
    // What is missing is named by whoever reads it, once it is known what may be.
    const TileId id{.entries = true, .level = 0, .index = bundle};
    const bool whole = (bundle + 1) * kTileWidth <= size;
    if (whole && !ExistsInside(RootOf(folder), folder / TilePath(id, TileForm::kGrowing)) &&
        !ExistsInside(RootOf(folder), folder / TilePath(id, TileForm::kFull))) {
      continue;
    }
    ASSIGN_OR_RETURN(std::optional<FoundRetention> found,
                     FindInBundle(folder, bundle, tree, hasher));
    if (!found) continue;
    RETURN_IF_ERROR(CheckRetention(*found, tree));
    return found;
  }
  return std::nullopt;
}

Result<std::uint64_t> RemoveBundles(const fs::path& folder, std::uint64_t until_entry) {
  std::uint64_t removed_bytes = 0;
  std::set<fs::path> changed;
  for (std::uint64_t bundle = 0; bundle < until_entry / kTileWidth; ++bundle) {
    const TileId id{.entries = true, .level = 0, .index = bundle};
    // A power cut may leave a complete bundle under its growing name.
    fs::path path = folder / TilePath(id, TileForm::kFull);
    if (!ExistsInside(RootOf(folder), path)) path = folder / TilePath(id, TileForm::kGrowing);
    const Result<FileDescriptor> file = OpenInside(RootOf(folder), path, O_RDONLY);
    if (!file && file.error().code == ErrorCode::kNotFound) continue;  // an earlier run did
    if (!file) return tl::unexpected<Error>(file.error());
    struct stat status {};
    if (::fstat(file->get(), &status) != 0) {
      return FailErrno(errno, "{}: cannot stat", path.string());
    }
    RETURN_IF_ERROR(ClearAttributes(RootOf(folder), path));
    RETURN_IF_ERROR(RemoveInside(RootOf(folder), path));
    removed_bytes += static_cast<std::uint64_t>(status.st_size);
    if (bundle == 0) {
      RETURN_IF_ERROR(SyncFolderInside(RootOf(folder), path.parent_path()));
    } else {
      changed.insert(path.parent_path());
    }
  }
  const fs::path top = folder / "tile" / "entries";
  // The deepest first: a folder is empty only when those in it are gone.
  for (auto item = changed.rbegin(); item != changed.rend(); ++item) {
    RETURN_IF_ERROR(SyncFolderInside(RootOf(folder), *item));
    for (fs::path empty = *item; empty != top && RemoveFolderInside(RootOf(folder), empty);) {
      empty = empty.parent_path();
    }
  }
  return removed_bytes;
}

}  // namespace spoor::evidence
