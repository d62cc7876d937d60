// SPDX-License-Identifier: Apache-2.0
#include "evidence/checkpoint.hpp"
#include "evidence/log.hpp"
#include "evidence/tile_tree.hpp"

namespace spoor::evidence {
namespace {

namespace fs = std::filesystem;

class TileLogReader final : public LogReader {
 public:
  TileLogReader(fs::path folder, struct Checkpoint checkpoint, std::unique_ptr<TileTree> tree)
      : folder_(std::move(folder)), checkpoint_(std::move(checkpoint)), tree_(std::move(tree)) {}

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
    for (std::uint64_t index = first; index < size();) {
      RETURN_IF_ERROR(VisitBundle(index / kTileWidth, index, visit));
      index = (index / kTileWidth + 1) * kTileWidth;
    }
    return {};
  }

 private:
  Result<> VisitBundle(std::uint64_t bundle, std::uint64_t first, const Visit& visit) {
    ASSIGN_OR_RETURN(const std::span<const Hash> leaves, tree_->Tile(0, bundle));
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
  TreeHasher hasher_;
};

}  // namespace

Result<std::unique_ptr<LogReader>> LogReader::Open(const fs::path& folder,
                                                   const std::string& public_key) {
  if (!fs::exists(folder)) {
    return Fail(ErrorCode::kNotFound, "{}: no evidence log there", folder.string());
  }
  ASSIGN_OR_RETURN(const VerifierKey key, VerifierKey::Parse(public_key));
  Result<struct Checkpoint> checkpoint = ReadCheckpoint(folder, key);
  if (!checkpoint && checkpoint.error().code == ErrorCode::kNotFound &&
      fs::exists(folder / "tile")) {
    return Fail(ErrorCode::kUnverified, "{}: missing, though there are tiles",
                (folder / kCheckpointName).string());
  }
  RETURN_IF_ERROR(checkpoint);
  ASSIGN_OR_RETURN(std::unique_ptr<TileTree> tree,
                   TileTree::Open(folder, checkpoint->size, checkpoint->root));
  return std::make_unique<TileLogReader>(folder, std::move(*checkpoint), std::move(tree));
}

}  // namespace spoor::evidence
