// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/inside.hpp"
#include "evidence/checkpoint.hpp"
#include "evidence/log.hpp"
#include "evidence/removal.hpp"
#include "evidence/tile_tree.hpp"

namespace spoor::evidence {
namespace {

namespace fs = std::filesystem;

class TileLogReader final : public LogReader {
 public:
  TileLogReader(fs::path folder, struct Checkpoint checkpoint, std::unique_ptr<TileTree> tree)
      : folder_(std::move(folder)), checkpoint_(std::move(checkpoint)), tree_(std::move(tree)) {}

  /// Looks for what explains that the beginning is gone, if it is.
  Result<> FindBeginning() {
    if (!LacksBeginning(folder_, size())) return {};
    ASSIGN_OR_RETURN(std::optional<FoundRetention> found, FindRetention(folder_, size(), *tree_));
    if (!found) {
      const TileId first{.entries = true, .level = 0, .index = 0};
      return Fail(ErrorCode::kUnverified,
                  "{}: missing, and no retention entry of the log says that it was removed",
                  (folder_ / TilePath(first, TileForm::kFull)).string());
    }
    retention_ = std::move(found->retention);
    retention_entry_ = found->entry;
    return {};
  }

  const std::optional<wire::Retention>& retention() const override { return retention_; }

  std::uint64_t retention_entry() const override { return retention_entry_; }

  Result<wire::Carried> ReadCarried() override {
    wire::Carried carried;
    if (!retention_) return carried;
    for (std::uint64_t index = retention_entry_ - retention_->carried_count;
         index < retention_entry_;) {
      const std::uint64_t bundle = index / kTileWidth;
      RETURN_IF_ERROR(VisitBundle(
          bundle, index, [&](std::uint64_t at, std::span<const std::byte> entry) -> Result<> {
            if (at >= retention_entry_) return {};
            ASSIGN_OR_RETURN(const wire::Batch batch, wire::DecodeBatch(entry));
            if (batch.kind != wire::BatchKind::kCarried) {
              return Fail(ErrorCode::kUnverified,
                          "entry {}: carries nothing, though the retention entry {} says so", at,
                          retention_entry_);
            }
            return wire::DecodeCarried(batch.payload, carried);
          }));
      index = (bundle + 1) * kTileWidth;
    }
    return carried;
  }

  Result<> CheckRemoved() override {
    for (std::uint64_t bundle = 0; bundle < removed_until() / kTileWidth; ++bundle) {
      ASSIGN_OR_RETURN([[maybe_unused]] const std::span<const Hash> leaves, tree_->Tile(0, bundle));
      const TileId id{.entries = true, .level = 0, .index = bundle};
      if (!ExistsInside(RootOf(folder_), folder_ / TilePath(id, TileForm::kFull))) continue;
      const auto ignore = [](std::uint64_t, std::span<const std::byte>) { return Result<>(); };
      Result<> left = VisitBundle(bundle, bundle * kTileWidth, ignore);
      if (!left && ExistsInside(RootOf(folder_), folder_ / TilePath(id, TileForm::kFull)))
        return left;
    }
    return {};
  }

  std::uint64_t size() const override { return checkpoint_.size; }
  const struct Checkpoint& checkpoint() const override { return checkpoint_; }
  Result<Hash> Node(unsigned level, std::uint64_t index) override {
    return tree_->Node(level, index);
  }

  Result<> ForEach(std::uint64_t first, const Visit& visit) override {
    if (first > size()) {
      return Fail(ErrorCode::kUnverified,
                  "{}: has {} entries, and had {} before: it was put back to an older state",
                  folder_.string(), size(), first);
    }
    for (std::uint64_t index = std::max(first, removed_until()); index < size();) {
      RETURN_IF_ERROR(VisitBundle(index / kTileWidth, index, visit));
      index = (index / kTileWidth + 1) * kTileWidth;
    }
    return {};
  }

 private:
  Result<> VisitBundle(std::uint64_t bundle, std::uint64_t first, const Visit& visit) {
    // Copied, for who is visited may ask for nodes, and the tree keeps one tile of each level.
    ASSIGN_OR_RETURN(const std::span<const Hash> tile_hashes, tree_->Tile(0, bundle));
    const std::vector<Hash> leaves(tile_hashes.begin(), tile_hashes.end());
    const TileId id{.entries = true, .level = 0, .index = bundle};
    const auto width = static_cast<unsigned>(leaves.size());
    ASSIGN_OR_RETURN(const StoredTile tile, ReadStoredTile(folder_, id, width));
    BundleParser parser(tile.bytes);
    for (unsigned i = 0; i < width; ++i) {
      const std::uint64_t index = bundle * kTileWidth + i;
      const std::optional<std::span<const std::byte>> entry = parser.Next();
      if (!entry) {
        return Fail(ErrorCode::kUnverified, "{}: entry {} is cut off at the end of the file",
                    tile.path.string(), index);
      }
      if (hasher_.Leaf(*entry) != leaves[i]) {
        return Fail(ErrorCode::kUnverified, "{}: entry {} is not the one that was logged",
                    tile.path.string(), index);
      }
      if (index >= first) RETURN_IF_ERROR(visit(index, *entry));
    }
    return CheckNothingFollows(tile, width, parser.rest_bytes());
  }

  /// Behind the entries that the checkpoint covers only a writer's newer ones may stand.
  static Result<> CheckNothingFollows(const StoredTile& tile, unsigned width,
                                      std::size_t rest_bytes) {
    const bool may_follow = tile.form == TileForm::kGrowing ? width < kTileWidth
                            : tile.form == TileForm::kFull  ? width < kTileWidth
                                                            : width < tile.width;
    if (rest_bytes == 0 || may_follow) return {};
    return Fail(ErrorCode::kUnverified, "{}: {} bytes behind its last entry", tile.path.string(),
                rest_bytes);
  }

  const fs::path folder_;
  const struct Checkpoint checkpoint_;
  const std::unique_ptr<TileTree> tree_;
  std::optional<wire::Retention> retention_;
  std::uint64_t retention_entry_ = 0;
  TreeHasher hasher_;
};

}  // namespace

Result<std::unique_ptr<LogReader>> LogReader::Open(const fs::path& folder,
                                                   const std::string& public_key) {
  if (!ExistsInside(RootOf(folder), folder)) {
    return Fail(ErrorCode::kNotFound, "{}: no evidence log there", folder.string());
  }
  ASSIGN_OR_RETURN(const VerifierKey key, VerifierKey::Parse(public_key));
  Result<struct Checkpoint> checkpoint = ReadCheckpoint(folder, key);
  if (!checkpoint && checkpoint.error().code == ErrorCode::kNotFound &&
      ExistsInside(RootOf(folder), folder / "tile")) {
    return Fail(ErrorCode::kUnverified, "{}: missing, though there are tiles",
                (folder / kCheckpointName).string());
  }
  RETURN_IF_ERROR(checkpoint);
  ASSIGN_OR_RETURN(std::unique_ptr<TileTree> tree,
                   TileTree::Open(folder, checkpoint->size, checkpoint->root));
  auto reader = std::make_unique<TileLogReader>(folder, std::move(*checkpoint), std::move(tree));
  RETURN_IF_ERROR(reader->FindBeginning());
  return reader;
}

}  // namespace spoor::evidence
