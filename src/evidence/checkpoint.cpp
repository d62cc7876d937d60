// SPDX-License-Identifier: Apache-2.0
#include "evidence/checkpoint.hpp"

#include <algorithm>
#include <charconv>

#include "base/base64.hpp"
#include "base/inside.hpp"
#include "base/time.hpp"
#include "evidence/tile_path.hpp"

namespace spoor::evidence {
namespace {

constexpr std::string_view kTimePrefix = "time ";

/// The next line of `text` without its newline, which is taken off `text`.
std::string_view TakeLine(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

tl::unexpected<Error> NotACheckpoint(std::string_view why) {
  return Fail(ErrorCode::kUnverified, "signed, but not a checkpoint: {}", why);
}

/// Takes the first three lines off `rest`.
Result<TreeHead> TakeTreeHead(std::string_view& rest) {
  TreeHead head;
  head.origin = TakeLine(rest);
  if (head.origin.empty()) return NotACheckpoint("it has no origin");
  const std::string_view size = TakeLine(rest);
  const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), head.size);
  if (error != std::errc() || end != size.data() + size.size() ||
      size != fmt::format("{}", head.size)) {
    return NotACheckpoint("its size is not a decimal number");
  }
  const std::optional<std::string> root = FromBase64(TakeLine(rest));
  if (!root || root->size() != head.root.size()) return NotACheckpoint("its root is not 32 bytes");
  std::copy(root->begin(), root->end(), head.root.begin());
  return head;
}

}  // namespace

Result<TreeHead> ParseTreeHead(std::string_view text) {
  return TakeTreeHead(text);
}

std::string FormatCheckpoint(const Checkpoint& checkpoint) {
  return fmt::format("{}\n{}\n{}\n{}{}\n", checkpoint.origin, checkpoint.size,
                     ToBase64(TextOf(checkpoint.root)), kTimePrefix,
                     FormatWallTime(checkpoint.signed_wall_ns));
}

Result<Checkpoint> OpenCheckpoint(std::string_view note, const VerifierKey& key) {
  ASSIGN_OR_RETURN(const OpenedNote opened, OpenNote(note, key));
  std::string_view rest = opened.text;
  ASSIGN_OR_RETURN(TreeHead head, TakeTreeHead(rest));
  if (head.origin != key.name) return NotACheckpoint("its origin is not the key's name");
  Checkpoint checkpoint{.origin = std::move(head.origin),
                        .size = head.size,
                        .root = head.root,
                        .signed_wall_ns = 0,
                        .other_signatures = opened.other_signatures};
  const std::string_view time = TakeLine(rest);
  if (!time.starts_with(kTimePrefix)) return NotACheckpoint("no time line");
  const Result<std::int64_t> wall_ns = ParseWallTime(time.substr(kTimePrefix.size()), 0);
  if (!wall_ns || time.substr(kTimePrefix.size()) != FormatWallTime(*wall_ns)) {
    return NotACheckpoint("its time is not RFC 3339 with nanoseconds");
  }
  checkpoint.signed_wall_ns = *wall_ns;
  if (!rest.empty()) return NotACheckpoint("lines behind the time");
  checkpoint.note = note;
  return checkpoint;
}

Result<Checkpoint> ReadCheckpoint(const std::filesystem::path& folder, const VerifierKey& key) {
  const std::filesystem::path path = folder / kCheckpointName;
  Result<std::string> note = ReadTextFileInside(RootOf(folder), path, kCheckpointBytesMax);
  if (!note) {
    if (note.error().code == ErrorCode::kCorrupt) note.error().code = ErrorCode::kUnverified;
    return tl::unexpected<Error>(note.error());
  }
  Result<Checkpoint> checkpoint = OpenCheckpoint(*note, key);
  if (!checkpoint) {
    return Fail(checkpoint.error().code, "{}: {}", path.string(), checkpoint.error().message);
  }
  return checkpoint;
}

}  // namespace spoor::evidence
