// SPDX-License-Identifier: Apache-2.0
#include "evidence/tile_path.hpp"

#include <fmt/format.h>

#include <charconv>

#include "base/file.hpp"
#include "evidence/tree.hpp"

namespace spoor::evidence {
namespace {

constexpr std::string_view kGrowingSuffix = ".partial";
constexpr std::string_view kClosedSuffix = ".p";

/// 1234067 becomes "x001/x234/067".
std::string IndexPath(std::uint64_t index) {
  std::string path = fmt::format("{:03}", index % 1000);
  for (index /= 1000; index != 0; index /= 1000)
    path = fmt::format("x{:03}/{}", index % 1000, path);
  return path;
}

template <typename Number>
bool ParseDecimal(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

std::string BasePath(TileId id) {
  return id.entries ? "tile/entries/" + IndexPath(id.index)
                    : fmt::format("tile/{}/{}", id.level, IndexPath(id.index));
}

/// "x001/x234/067" to 1234067; nothing when it would not fit 64 bits.
bool ParseIndex(std::string_view text, std::uint64_t& index) {
  index = 0;
  for (;;) {
    const std::size_t slash = text.find('/');
    std::string_view part = text.substr(0, slash);
    if (part.starts_with('x')) part.remove_prefix(1);
    std::uint64_t value = 0;
    if (part.size() != 3 || !ParseDecimal(part, value)) return false;
    if (index > (UINT64_MAX - value) / 1000) return false;
    index = index * 1000 + value;
    if (slash == text.npos) return true;
    text.remove_prefix(slash + 1);
  }
}

}  // namespace

bool IsCheckpointTemporary(std::string_view name) {
  return name == "checkpoint.tmp" || IsTemporaryName(name, kCheckpointName);
}

std::string TilePath(TileId id, TileForm form, unsigned width) {
  switch (form) {
    case TileForm::kFull:
      return BasePath(id);
    case TileForm::kGrowing:
      return BasePath(id).append(kGrowingSuffix);
    case TileForm::kClosed:
      return fmt::format("{}/{}", ClosedFolderPath(id), width);
  }
  return {};
}

std::string ClosedFolderPath(TileId id) {
  return BasePath(id).append(kClosedSuffix);
}

std::optional<TileName> ParseTilePath(std::string_view path) {
  TileName name;
  std::string_view rest = path;
  if (!rest.starts_with("tile/")) return std::nullopt;
  rest.remove_prefix(5);
  const std::size_t slash = rest.find('/');
  if (slash == rest.npos) return std::nullopt;
  const std::string_view level = rest.substr(0, slash);
  name.id.entries = level == "entries";
  if (!name.id.entries &&
      (!ParseDecimal(level, name.id.level) || name.id.level >= kTileLevelsMax)) {
    return std::nullopt;
  }
  rest.remove_prefix(slash + 1);
  if (rest.ends_with(kGrowingSuffix)) {
    name.form = TileForm::kGrowing;
    rest.remove_suffix(kGrowingSuffix.size());
  } else if (const std::size_t dot = rest.find(".p/"); dot != rest.npos) {
    name.form = TileForm::kClosed;
    if (!ParseDecimal(rest.substr(dot + 3), name.width)) return std::nullopt;
    if (name.width == 0 || name.width >= kTileWidth) return std::nullopt;
    rest = rest.substr(0, dot);
  }
  if (!ParseIndex(rest, name.id.index)) return std::nullopt;
  // Only the one spelling that TilePath writes counts ("x000/001" is not 1).
  if (TilePath(name.id, name.form, name.width) != path) return std::nullopt;
  return name;
}

}  // namespace spoor::evidence
