// SPDX-License-Identifier: Apache-2.0
#include "evidence/recovery.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <set>

#include "base/inside.hpp"
#include "base/time.hpp"
#include "evidence/file_attribute.hpp"
#include "evidence/tile_tree.hpp"

namespace spoor::evidence {
namespace {

namespace fs = std::filesystem;

/// Of the log's own folder: "checkpoint", "tile" and what killed writers leave.
constexpr std::size_t kFolderNamesMax = 10'000;

class Recovery {
 public:
  Recovery(const fs::path& folder, const fs::path& set_aside_folder, const Checkpoint& checkpoint)
      : folder_(folder),
        root_(RootOf(folder)),
        aside_(set_aside_folder /
               fmt::format("{}-behind-entry-{}", FormatWallTime(WallNow()), checkpoint.size)),
        checkpoint_(checkpoint) {}

  Result<Recovered> Run() {
    ASSIGN_OR_RETURN(const std::vector<std::string> names,
                     ListInside(root_, folder_, kFolderNamesMax));
    for (const std::string& name : names) {
      if (IsCheckpointTemporary(name)) RETURN_IF_ERROR(MoveAside(name));
    }
    RETURN_IF_ERROR(RecoverColumn({.entries = true, .level = 0, .index = 0}));
    for (unsigned level = 0; level < kTileLevelsMax; ++level) {
      RETURN_IF_ERROR(RecoverColumn({.entries = false, .level = level, .index = 0}));
    }
    for (const fs::path& changed : changed_folders_) {
      RETURN_IF_ERROR(SyncFolderInside(root_, changed));
    }
    RETURN_IF_ERROR(LoadEdges());
    RETURN_IF_ERROR(CheckEdgeBundle());
    return std::move(recovered_);
  }

 private:
  bool Exists(const std::string& name) const { return ExistsInside(root_, folder_ / name); }

  /// All tiles of one level, or the bundles. A recovery may be killed, too, and what it leaves must
  /// be found by the next one, which looks outwards until a tile is missing:
  /// 1. what lies behind the edge of the checkpoint is set aside from the outermost tile inwards;
  /// 2. then the edge is cut to what the checkpoint covers;
  /// 3. then complete tiles get their names, as far inwards as unfinished renames reach.
  Result<> RecoverColumn(TileId id) {
    const std::uint64_t count = HashesAtLevel(checkpoint_.size, id.level);
    const std::uint64_t edge = count / kTileWidth;
    id.index = edge + 1;
    for (;; ++id.index) {
      // Where a link stands for a folder, everything seems to be there: this ends the search, too.
      const std::string full = TilePath(id, TileForm::kFull);
      if (Exists(full)) return NotByKill(folder_ / full);
      if (!Exists(TilePath(id, TileForm::kGrowing)) && !Exists(ClosedFolderPath(id))) break;
    }
    while (--id.index > edge) RETURN_IF_ERROR(RecoverEdgeTile(id, 0));
    RETURN_IF_ERROR(RecoverEdgeTile(id, static_cast<unsigned>(count % kTileWidth)));
    for (id.index = edge; id.index-- > 0;) {
      if (!Exists(TilePath(id, TileForm::kGrowing))) break;
      RETURN_IF_ERROR(
          Rename(TilePath(id, TileForm::kGrowing), folder_ / TilePath(id, TileForm::kFull)));
    }
    return {};
  }

  /// `width` hashes or entries of this tile are under the checkpoint.
  Result<> RecoverEdgeTile(TileId id, unsigned width) {
    const std::string growing = TilePath(id, TileForm::kGrowing);
    const fs::path closed_folder = folder_ / ClosedFolderPath(id);
    if (Exists(TilePath(id, TileForm::kFull))) {
      return NotByKill(folder_ / TilePath(id, TileForm::kFull));
    }
    bool closed = false;
    const Result<std::vector<std::string>> names = ListInside(root_, closed_folder, kTileWidth);
    if (!names && names.error().code != ErrorCode::kNotFound) {
      return tl::unexpected<Error>(names.error());
    }
    for (const std::string& name : names ? *names : std::vector<std::string>()) {
      if (width == 0 || closed_folder / name != folder_ / TilePath(id, TileForm::kClosed, width)) {
        return NotByKill(closed_folder / name);
      }
      closed = true;
    }
    const bool grows = Exists(growing);
    if (closed && grows) return NotByKill(folder_ / growing);
    // Left empty by a writer killed between making the folder and the rename into it (or out of
    // it).
    if (!closed && RemoveFolderInside(root_, closed_folder)) {
      changed_folders_.insert(closed_folder.parent_path());
    }
    if (width == 0) {
      return grows ? MoveAside(growing) : Result<>();
    }
    // What is missing or wrong is found when the edges are loaded.
    return grows ? CutTail(id, width) : Result<>();
  }

  [[nodiscard]] tl::unexpected<Error> NotByKill(const fs::path& path) const {
    return Fail(ErrorCode::kUnverified,
                "{}: not covered by the checkpoint of {} entries, and no killed writer leaves it "
                "so: was the checkpoint put back to an older one?",
                path.string(), checkpoint_.size);
  }

  /// Takes what lies behind the first `width` hashes or entries off a growing file.
  Result<> CutTail(TileId id, unsigned width) {
    ASSIGN_OR_RETURN(const StoredTile tile, ReadStoredTile(folder_, id, width));
    std::size_t covered_bytes = width * sizeof(Hash);
    if (id.entries) {
      BundleParser parser(tile.bytes);
      for (unsigned i = 0; i < width; ++i) {
        if (!parser.Next()) return {};  // truncated: CheckEdgeBundle names the entry
      }
      covered_bytes = tile.bytes.size() - parser.rest_bytes();
    }
    if (tile.bytes.size() <= covered_bytes) return {};
    const std::span<const std::byte> tail = std::span(tile.bytes).subspan(covered_bytes);
    const fs::path target =
        aside_ / fmt::format("{}.from-byte-{}", TilePath(id, TileForm::kGrowing), covered_bytes);
    RETURN_IF_ERROR(MakeAsideFolder(target));
    RETURN_IF_ERROR(WriteFileAtomicallyInside(root_, target, tail));
    recovered_.set_aside_bytes += tail.size();
    RETURN_IF_ERROR(ClearAttributes(root_, tile.path));
    ASSIGN_OR_RETURN(const FileDescriptor file, OpenInside(root_, tile.path, O_WRONLY));
    if (::ftruncate(file.get(), static_cast<off_t>(covered_bytes)) != 0 ||
        ::fsync(file.get()) != 0) {
      return FailErrno(errno, "{}: cannot cut at byte {}", tile.path.string(), covered_bytes);
    }
    return {};
  }

  Result<> MoveAside(const std::string& name) {
    if (!Exists(name)) return {};
    std::error_code error;
    const std::uintmax_t size_bytes =
        fs::is_regular_file(folder_ / name, error) ? fs::file_size(folder_ / name, error) : 0;
    const fs::path target = aside_ / name;
    RETURN_IF_ERROR(MakeAsideFolder(target));
    RETURN_IF_ERROR(Rename(name, target));
    if (!error) recovered_.set_aside_bytes += size_bytes;
    return {};
  }

  Result<> Rename(const std::string& name, const fs::path& target) {
    RETURN_IF_ERROR(ClearAttributes(root_, folder_ / name));
    RETURN_IF_ERROR(RenameInside(root_, folder_ / name, target));
    changed_folders_.insert((folder_ / name).parent_path());
    changed_folders_.insert(target.parent_path());
    return {};
  }

  /// Makes the folder of `target` with all names leading there durable.
  Result<> MakeAsideFolder(const fs::path& target) {
    RETURN_IF_ERROR(CreateFoldersInside(root_, target.parent_path()));
    for (fs::path made = target.parent_path(); made != root_; made = made.parent_path()) {
      RETURN_IF_ERROR(SyncFolderInside(root_, made));
    }
    return SyncFolderInside(root_, root_);
  }

  Result<> LoadEdges() {
    recovered_.edges.resize(kTileLevelsMax);
    for (unsigned level = 0; level < kTileLevelsMax; ++level) {
      const unsigned width = EdgeWidth(checkpoint_.size, level);
      if (width == 0) continue;
      const std::uint64_t index = HashesAtLevel(checkpoint_.size, level) / kTileWidth;
      ASSIGN_OR_RETURN(
          recovered_.edges[level],
          ReadHashes(folder_, {.entries = false, .level = level, .index = index}, width));
    }
    const CompactTree tree(checkpoint_.size, recovered_.edges, hasher_);
    if (tree.Root(hasher_) != checkpoint_.root) {
      return Fail(
          ErrorCode::kUnverified,
          "{}: the incomplete tiles do not lead to the signed root; spoor verify says which",
          (folder_ / "tile").string());
    }
    return {};
  }

  /// What is appended next stands in the same bundle, so that must be whole.
  Result<> CheckEdgeBundle() {
    const std::vector<Hash>& leaves = recovered_.edges[0];
    if (leaves.empty()) return {};
    const TileId id{.entries = true, .level = 0, .index = checkpoint_.size / kTileWidth};
    const auto width = static_cast<unsigned>(leaves.size());
    ASSIGN_OR_RETURN(const StoredTile tile, ReadStoredTile(folder_, id, width));
    BundleParser parser(tile.bytes);
    for (unsigned i = 0; i < width; ++i) {
      const std::optional<std::span<const std::byte>> entry = parser.Next();
      if (!entry || hasher_.Leaf(*entry) != leaves[i]) {
        return Fail(ErrorCode::kUnverified, "{}: entry {} is not the one that was logged",
                    tile.path.string(), id.index * kTileWidth + i);
      }
    }
    if (parser.rest_bytes() != 0) {
      return Fail(ErrorCode::kUnverified, "{}: {} bytes behind its last entry", tile.path.string(),
                  parser.rest_bytes());
    }
    return {};
  }

  const fs::path folder_;
  const fs::path root_;
  const fs::path aside_;
  const Checkpoint checkpoint_;
  Recovered recovered_;
  std::set<fs::path> changed_folders_;
  TreeHasher hasher_;
};

}  // namespace

Result<Recovered> RecoverLog(const fs::path& folder, const fs::path& set_aside_folder,
                             const Checkpoint& checkpoint) {
  return Recovery(folder, set_aside_folder, checkpoint).Run();
}

}  // namespace spoor::evidence
