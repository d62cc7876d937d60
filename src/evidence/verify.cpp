// SPDX-License-Identifier: Apache-2.0
#include "evidence/verify.hpp"

#include <algorithm>
#include <vector>

#include "base/inside.hpp"
#include "evidence/tile_tree.hpp"

namespace spoor::evidence {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kEntriesPerProgress = 1 << 14;

/// The number of hashes or entries at the level of `id` that a tree of `size` entries has.
struct ColumnExtent {
  ColumnExtent(TileId id, std::uint64_t size)
      : edge(HashesAtLevel(size, id.level) / kTileWidth), width(EdgeWidth(size, id.level)) {}
  std::uint64_t edge;  ///< index of the first tile that is not full
  unsigned width;      ///< hashes or entries in it
};

/// Looks at every name in the log folder: only what the checkpoint calls for may be there, and a
/// writer's tail.
class FolderCheck {
 public:
  FolderCheck(const fs::path& folder, const VerifierKey& key, std::uint64_t size)
      : folder_(folder), key_(key), size_(size) {}

  Result<> Run() {
    std::vector<fs::path> folders{folder_};
    while (!folders.empty()) {
      const fs::path folder = std::move(folders.back());
      folders.pop_back();
      std::error_code error;
      fs::directory_iterator item(folder, error);
      for (; !error && item != fs::directory_iterator(); item.increment(error)) {
        RETURN_IF_ERROR(CheckItem(*item));
        std::error_code gone;
        if (item->is_directory(gone)) folders.push_back(item->path());
      }
      // A live writer removes the folder of a closed tile when it appends again.
      if (error && error != std::errc::no_such_file_or_directory) {
        return Fail(ErrorCode::kIo, "{}: cannot list: {}", folder.string(), error.message());
      }
    }
    return {};
  }

  /// Growing files, without the last bundle when a part of it is covered.
  std::uint64_t tail_bytes() const { return tail_bytes_; }
  /// Bytes of the growing bundle of which the checkpoint covers a part; 0: there is none.
  std::uint64_t edge_bundle_bytes() const { return edge_bundle_bytes_; }
  bool has_growing_files() const { return has_growing_files_; }

 private:
  Result<> CheckItem(const fs::directory_entry& item) {
    std::error_code error;
    const fs::file_status status = item.symlink_status(error);
    if (status.type() == fs::file_type::not_found) return {};  // renamed by a live writer
    const std::string name = item.path().lexically_relative(folder_).string();
    if (status.type() == fs::file_type::directory) {
      const bool known =
          name == "tile" || ParseTilePath(name + "/000") || ParseTilePath(name + "/1");
      return known ? Result<>() : Unexpected(item.path(), "is not a folder of a log");
    }
    if (status.type() != fs::file_type::regular) {
      return Unexpected(item.path(), "is neither file nor folder");
    }
    const std::uint64_t size_bytes = item.file_size(error);
    if (name == kCheckpointName || error) return {};
    if (IsCheckpointTemporary(name)) {
      tail_bytes_ += size_bytes;
      return {};
    }
    const std::optional<TileName> tile = ParseTilePath(name);
    if (!tile) return Unexpected(item.path(), "is not a file of a log");
    return CheckTile(item.path(), *tile, size_bytes);
  }

  Result<> CheckTile(const fs::path& path, const TileName& tile, std::uint64_t size_bytes) {
    if (tile.form == TileForm::kGrowing) CountTail(tile.id, size_bytes);
    if (tile.form != TileForm::kGrowing && !IsCovered(tile)) {
      // A live writer may have published a newer checkpoint in the meantime.
      ASSIGN_OR_RETURN(const Checkpoint newest, ReadCheckpoint(folder_, key_));
      size_ = std::max(size_, newest.size);
      if (!IsCovered(tile) && Exists(path)) {
        return Fail(ErrorCode::kUnverified,
                    "{}: not covered by the checkpoint of {} entries: the checkpoint was put back "
                    "to an older one, or the file was added",
                    path.string(), size_);
      }
    }
    if (tile.form == TileForm::kFull) return {};
    if (tile.form == TileForm::kGrowing && !Continues(tile.id)) {
      return Unexpected(path, "is not covered by the checkpoint and continues no tile");
    }
    // A tile has one form at a time. Both are looked at again, as a live writer renames one into
    // the other.
    const fs::path full = folder_ / TilePath(tile.id, TileForm::kFull);
    const fs::path growing = folder_ / TilePath(tile.id, TileForm::kGrowing);
    const bool twice = Exists(full) || (tile.form == TileForm::kClosed && Exists(growing));
    if (twice && Exists(path)) return Unexpected(path, "is there in another form, too");
    return {};
  }

  /// A writer begins a tile when the one before it is complete.
  bool Continues(TileId id) const {
    if (id.index <= ColumnExtent(id, size_).edge) return true;
    --id.index;
    return Exists(folder_ / TilePath(id, TileForm::kGrowing)) ||
           Exists(folder_ / TilePath(id, TileForm::kFull));
  }

  bool IsCovered(const TileName& tile) const {
    const ColumnExtent extent(tile.id, size_);
    if (tile.form == TileForm::kFull) return tile.id.index < extent.edge;
    return tile.id.index == extent.edge && tile.width == extent.width;
  }

  void CountTail(TileId id, std::uint64_t size_bytes) {
    has_growing_files_ = true;
    const ColumnExtent extent(id, size_);
    if (id.index < extent.edge) return;  // complete, and killed before it got its final name
    if (id.index > extent.edge || extent.width == 0) {
      tail_bytes_ += size_bytes;
    } else if (id.entries) {
      edge_bundle_bytes_ = size_bytes;
    } else {
      tail_bytes_ += size_bytes - std::min(size_bytes, extent.width * std::uint64_t{sizeof(Hash)});
    }
  }

  bool Exists(const fs::path& path) const { return ExistsInside(RootOf(folder_), path); }

  static Result<> Unexpected(const fs::path& path, std::string_view what) {
    return Fail(ErrorCode::kUnverified, "{}: {}", path.string(), what);
  }

  const fs::path& folder_;
  const VerifierKey& key_;
  std::uint64_t size_;
  std::uint64_t tail_bytes_ = 0;
  std::uint64_t edge_bundle_bytes_ = 0;
  bool has_growing_files_ = false;
};

/// Hashes of the incomplete tile of `level`, made from the entries (level 0) or the full tiles
/// below.
Result<std::vector<Hash>> HashesFromBelow(const fs::path& folder, TileId id, unsigned width,
                                          TreeHasher& hasher) {
  std::vector<Hash> hashes;
  if (id.level == 0) {
    const TileId bundle{.entries = true, .level = 0, .index = id.index};
    ASSIGN_OR_RETURN(const StoredTile tile, ReadStoredTile(folder, bundle, width));
    BundleParser parser(tile.bytes);
    while (hashes.size() < width) {
      const std::optional<std::span<const std::byte>> entry = parser.Next();
      if (!entry) {
        return Fail(ErrorCode::kUnverified, "{}: entry {} is cut off at the end of the file",
                    tile.path.string(), id.index * kTileWidth + hashes.size());
      }
      hashes.push_back(hasher.Leaf(*entry));
    }
    return hashes;
  }
  while (hashes.size() < width) {
    const TileId below{
        .entries = false, .level = id.level - 1, .index = id.index * kTileWidth + hashes.size()};
    ASSIGN_OR_RETURN(const std::vector<Hash> tile, ReadHashes(folder, below, kTileWidth));
    hashes.push_back(hasher.PerfectRoot(tile));
  }
  return hashes;
}

/// Why the incomplete tiles of the right edge do not lead to the signed root: the first one that is
/// not what lies below it gives.
Error ExplainEdge(const fs::path& folder, const struct Checkpoint& checkpoint) {
  TreeHasher hasher;
  for (unsigned level = 0; level < kTileLevelsMax; ++level) {
    const TileId id{.entries = false,
                    .level = level,
                    .index = HashesAtLevel(checkpoint.size, level) / kTileWidth};
    const unsigned width = EdgeWidth(checkpoint.size, level);
    if (width == 0) continue;
    const Result<StoredTile> tile = ReadStoredTile(folder, id, width);
    if (!tile) return tile.error();
    const Result<std::vector<Hash>> stored = ReadHashes(folder, id, width);
    if (!stored) return stored.error();
    const Result<std::vector<Hash>> from_below = HashesFromBelow(folder, id, width, hasher);
    if (!from_below) return from_below.error();
    const auto different = std::mismatch(stored->begin(), stored->end(), from_below->begin()).first;
    if (different == stored->end()) continue;
    return Error{ErrorCode::kUnverified,
                 fmt::format("{}: hash {} is not that of the {} below it", tile->path.string(),
                             different - stored->begin(), level == 0 ? "entry" : "tile")};
  }
  return Error{ErrorCode::kUnverified,
               fmt::format("{}: signs another root than its {} entries and their tiles have: it "
                           "belongs to another log",
                           (folder / kCheckpointName).string(), checkpoint.size)};
}

Result<std::unique_ptr<LogReader>> OpenReader(const VerifyOptions& options,
                                              const VerifierKey& key) {
  Result<std::unique_ptr<LogReader>> reader = LogReader::Open(options.folder, options.public_key);
  if (reader) return reader;
  const Result<struct Checkpoint> checkpoint = ReadCheckpoint(options.folder, key);
  if (!checkpoint && checkpoint.error().code == ErrorCode::kNotFound) {
    return Fail(ErrorCode::kUnverified, "{}: missing", (options.folder / kCheckpointName).string());
  }
  if (!checkpoint || reader.error().code != ErrorCode::kUnverified) return reader;
  if (TileTree::Open(options.folder, checkpoint->size, checkpoint->root)) return reader;
  return tl::unexpected<Error>(ExplainEdge(options.folder, *checkpoint));
}

}  // namespace

Result<VerifyReport> VerifyLog(const VerifyOptions& options) {
  if (!ExistsInside(RootOf(options.folder), options.folder)) {
    return Fail(ErrorCode::kNotFound, "{}: no evidence log there", options.folder.string());
  }
  ASSIGN_OR_RETURN(const VerifierKey key, VerifierKey::Parse(options.public_key));
  ASSIGN_OR_RETURN(const std::unique_ptr<LogReader> reader, OpenReader(options, key));
  VerifyReport report;
  report.checkpoint = reader->checkpoint();
  const std::uint64_t size = reader->size();
  FolderCheck names(options.folder, key, size);
  RETURN_IF_ERROR(names.Run());
  report.retention = reader->retention();
  RETURN_IF_ERROR(reader->CheckRemoved());
  if (report.retention && options.carried) {
    ASSIGN_OR_RETURN(const wire::Carried carried, reader->ReadCarried());
    RETURN_IF_ERROR(options.carried(carried, reader->removed_until()));
  }
  std::uint64_t edge_bytes = 0;
  RETURN_IF_ERROR(reader->ForEach(0, [&](std::uint64_t index, std::span<const std::byte> entry) {
    report.entry_bytes += entry.size();
    if (index >= size - EdgeWidth(size, 0)) edge_bytes += 2 + entry.size();
    if (options.progress && index % kEntriesPerProgress == 0) options.progress(index, size);
    return options.visit ? options.visit(index, entry) : Result<>();
  }));
  if (options.progress) options.progress(size, size);
  report.tail_bytes = names.tail_bytes();
  if (names.edge_bundle_bytes() > edge_bytes) {
    report.tail_bytes += names.edge_bundle_bytes() - edge_bytes;
  }
  report.closed = !names.has_growing_files();
  return report;
}

}  // namespace spoor::evidence
