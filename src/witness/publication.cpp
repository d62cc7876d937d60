// SPDX-License-Identifier: Apache-2.0
#include "witness/publication.hpp"

#include <map>
#include <vector>

#include "base/inside.hpp"
#include "evidence/tile_tree.hpp"
#include "evidence/tree.hpp"
#include "witness/cosigned.hpp"

namespace spoor::witness {
namespace {

using evidence::kTileWidth;
using evidence::TileForm;

constexpr std::string_view kPlainText = "text/plain; charset=utf-8";
// Under its name a tile never changes; a checkpoint does within a tenth of a second.
constexpr std::string_view kForever = "public, max-age=31536000, immutable";
constexpr std::string_view kNow = "no-cache";

http::Answer NotFound() {
  return {.status = 404,
          .content_type = std::string(kPlainText),
          .body = "no such file of this log\n",
          .headers = {{"Cache-Control", std::string(kNow)}}};
}

http::Answer Unavailable(std::string_view why) {
  return {.status = 503,
          .content_type = std::string(kPlainText),
          .body = fmt::format("{}\n", why),
          .headers = {{"Cache-Control", std::string(kNow)}}};
}

/// The bytes of the first `width` hashes or entries; nothing when there are fewer.
std::optional<std::size_t> BytesOfFirst(const evidence::StoredTile& tile, bool entries,
                                        unsigned width) {
  if (!entries) {
    const std::size_t wanted = width * sizeof(evidence::Hash);
    return tile.bytes.size() < wanted ? std::nullopt : std::optional(wanted);
  }
  evidence::BundleParser parser(tile.bytes);
  for (unsigned i = 0; i < width; ++i) {
    if (!parser.Next()) return std::nullopt;
  }
  return tile.bytes.size() - parser.rest_bytes();
}

struct CosignedText {
  std::string note;
  std::size_t cosignature_count = 0;
};

}  // namespace

http::Answer Publication::Answer(std::string_view path) const {
  if (path == "/checkpoint") return AnswerCheckpoint();
  if (!path.starts_with('/')) return NotFound();
  const std::optional<evidence::TileName> name = evidence::ParseTilePath(path.substr(1));
  if (!name || name->form == TileForm::kGrowing) return NotFound();
  if (name->id.entries && !options_.entries) return NotFound();
  return AnswerTile(*name);
}

http::Answer Publication::AnswerCheckpoint() const {
  Result<std::string> note = ReadTextFileInside(evidence::RootOf(options_.evidence),
                                                options_.evidence / evidence::kCheckpointName,
                                                evidence::kCheckpointBytesMax);
  if (!note) return Unavailable("the log has no checkpoint now");
  // By text: what the witnesses were asked for together.
  std::map<std::string, CosignedText> cosigned;
  const Result<std::vector<std::string>> kept = ReadCosigned(options_.witnessed);
  for (const std::string& one : kept ? *kept : std::vector<std::string>()) {
    const Result<evidence::ParsedNote> parsed = evidence::ParseNote(one);
    if (!parsed) continue;
    CosignedText& together = cosigned[parsed->text];
    const std::string lines = one.substr(parsed->text.size() + 1);
    const Result<std::string> merged =
        together.note.empty() ? one : evidence::AddSignatureLines(together.note, lines);
    if (!merged) continue;
    together.note = *merged;
    ++together.cosignature_count;
  }
  if (options_.cosignatures_min == 0) {
    const Result<evidence::ParsedNote> parsed = evidence::ParseNote(*note);
    if (!parsed) return Unavailable("the log's checkpoint is none");
    const auto same = cosigned.find(parsed->text);
    if (same != cosigned.end()) {
      Result<std::string> merged =
          evidence::AddSignatureLines(*note, same->second.note.substr(parsed->text.size() + 1));
      if (merged) note = std::move(merged);
    }
  } else {
    std::optional<std::uint64_t> newest_size;
    for (const auto& [text, together] : cosigned) {
      const Result<evidence::TreeHead> head = evidence::ParseTreeHead(text);
      if (!head || together.cosignature_count < options_.cosignatures_min) continue;
      if (newest_size && *newest_size >= head->size) continue;
      newest_size = head->size;
      note = together.note;
    }
    if (!newest_size) return Unavailable("no checkpoint has enough cosignatures yet");
  }
  return {.status = 200,
          .content_type = std::string(kPlainText),
          .body = *std::move(note),
          .headers = {{"Cache-Control", std::string(kNow)}}};
}

Result<evidence::ParsedNote> Publication::NewestNote() const {
  ASSIGN_OR_RETURN(const std::string note,
                   ReadTextFileInside(evidence::RootOf(options_.evidence),
                                      options_.evidence / evidence::kCheckpointName,
                                      evidence::kCheckpointBytesMax));
  return evidence::ParseNote(note);
}

/// Any width that some checkpoint up to now called for is served, as those before were.
http::Answer Publication::AnswerTile(const evidence::TileName& name) const {
  const Result<evidence::ParsedNote> note = NewestNote();
  if (!note) return Unavailable("the log has no checkpoint now");
  const Result<evidence::TreeHead> head = evidence::ParseTreeHead(note->text);
  if (!head) return Unavailable("the log's checkpoint is none");
  const unsigned width = name.form == TileForm::kFull ? kTileWidth : name.width;
  const std::uint64_t edge = evidence::HashesAtLevel(head->size, name.id.level) / kTileWidth;
  const bool covered =
      name.id.index < edge ||
      (name.id.index == edge && width <= evidence::EdgeWidth(head->size, name.id.level));
  if (!covered) return NotFound();
  const Result<evidence::StoredTile> tile = ReadStoredTile(options_.evidence, name.id, width);
  if (!tile && tile.error().code == ErrorCode::kIo) return Unavailable("cannot read it now");
  if (!tile) return NotFound();
  const std::optional<std::size_t> size_bytes = BytesOfFirst(*tile, name.id.entries, width);
  if (!size_bytes) return Unavailable("the file is shorter than the log says");
  return {.status = 200,
          .content_type = "application/octet-stream",
          .body = std::string(AsText(std::span(tile->bytes).first(*size_bytes))),
          .headers = {{"Cache-Control", std::string(kForever)}}};
}

}  // namespace spoor::witness
