// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

/// Names of the files of a log folder (C2SP tlog-tiles), relative to the folder.
namespace spoor::evidence {

inline constexpr std::string_view kCheckpointName = "checkpoint";
/// Whether `name` is what a writer killed while publishing leaves: the temporary file of an atomic
/// write, of this version or an earlier one ("checkpoint.tmp").
bool IsCheckpointTemporary(std::string_view name);

/// The files of a log in `folder` are opened inside this (base/inside.hpp), so that neither they
/// nor the folder itself can be links.
inline std::filesystem::path RootOf(const std::filesystem::path& folder) {
  return folder.parent_path();
}

/// A tile of hashes, or an entry bundle (which stands beside the tile of level 0 of its index).
struct TileId {
  bool entries = false;
  unsigned level = 0;  ///< 0 for bundles
  std::uint64_t index = 0;
  auto operator<=>(const TileId&) const = default;
};

/// How a tile is stored; exactly one of these at a time.
enum class TileForm : std::uint8_t {
  kFull,     ///< NNN: 256 hashes or entries, under a checkpoint
  kGrowing,  ///< NNN.partial: the writer appends to it, or was killed
  kClosed,   ///< NNN.p/W: the W hashes or entries under the checkpoint of a log closed in order
};

/// `width` matters for kClosed only. "tile/0/x001/x234/067", "tile/entries/000.partial" …
std::string TilePath(TileId id, TileForm form, unsigned width = 0);
/// The folder of the closed form: "tile/0/000.p".
std::string ClosedFolderPath(TileId id);

struct TileName {
  TileId id;
  TileForm form = TileForm::kFull;
  unsigned width = 0;
};
/// The inverse of TilePath; nothing when `path` is not what TilePath would write.
std::optional<TileName> ParseTilePath(std::string_view path);

}  // namespace spoor::evidence
