// SPDX-License-Identifier: Apache-2.0
// A file is a map of pieces by offset. A write makes what it covers unknown, then known as far as
// it was captured; a read only adds to what is unknown, for it changes nothing.
#include "api/file_versions.hpp"

#include <algorithm>
#include <numeric>

namespace spoor::api {
namespace {

using Pieces = std::map<std::int64_t, std::string>;

std::int64_t End(const Pieces::value_type& piece) {
  return piece.first + static_cast<std::int64_t>(piece.second.size());
}

/// Takes [from, until) out of the pieces.
void Forget(Pieces& pieces, std::int64_t from, std::int64_t until) {
  auto piece = pieces.lower_bound(from);
  if (piece != pieces.begin() && End(*std::prev(piece)) > from) --piece;
  while (piece != pieces.end() && piece->first < until) {
    const std::int64_t begin = piece->first;
    std::string bytes = std::move(piece->second);
    const std::int64_t end = begin + static_cast<std::int64_t>(bytes.size());
    piece = pieces.erase(piece);
    if (end > until) {
      pieces.emplace(until, bytes.substr(static_cast<std::size_t>(until - begin)));
      piece = pieces.upper_bound(until);
    }
    if (begin < from) {
      bytes.resize(static_cast<std::size_t>(from - begin));
      pieces.emplace(begin, std::move(bytes));
    }
  }
}

/// Puts in what of `data` lies where nothing is known, and joins what touches.
void FillIn(Pieces& pieces, std::int64_t offset, std::string_view data) {
  std::int64_t at = offset;
  const std::int64_t end = offset + static_cast<std::int64_t>(data.size());
  while (at < end) {
    auto next = pieces.upper_bound(at);
    if (next != pieces.begin() && End(*std::prev(next)) > at) {
      at = End(*std::prev(next));
      continue;
    }
    const std::int64_t until = next == pieces.end() ? end : std::min(end, next->first);
    const std::string_view part =
        data.substr(static_cast<std::size_t>(at - offset), static_cast<std::size_t>(until - at));
    if (next != pieces.begin() && End(*std::prev(next)) == at) {
      std::prev(next)->second.append(part);
    } else {
      pieces.emplace(at, part);
    }
    at = until;
  }
}

std::size_t BytesIn(const Pieces& pieces) {
  return std::accumulate(
      pieces.begin(), pieces.end(), std::size_t{0},
      [](std::size_t sum, const Pieces::value_type& piece) { return sum + piece.second.size(); });
}

}  // namespace

std::int64_t FileVersion::known_bytes() const {
  // Pieces of a read may lie beyond an end that was set by a truncation that came later.
  return static_cast<std::int64_t>(BytesIn(pieces));
}

std::vector<FileVersion> VersionsOf(const std::vector<FileAct>& acts,
                                    std::optional<std::int64_t> last) {
  std::vector<FileVersion> versions;
  FileVersion now;
  std::size_t held_bytes = 0;
  const auto close = [&](std::optional<std::int64_t> until_wall_ns) {
    now.until_wall_ns = until_wall_ns;
    versions.push_back(now);
  };
  bool any = false;
  for (const FileAct& act : acts) {
    const bool changes = act.kind != FileAct::Kind::kRead;
    if (changes && (!now.process_id || *now.process_id != act.process_id ||
                    (act.kind == FileAct::Kind::kTruncate && now.size_bytes > act.size_bytes))) {
      if (any) {
        close(act.wall_ns);
        if (last && now.version == *last) return versions;
        ++now.version;
      } else {
        now.version = 1;
      }
      now.from_wall_ns = act.wall_ns;
      now.process_id = act.process_id;
    }
    any = true;
    if (act.kind == FileAct::Kind::kTruncate) {
      Forget(now.pieces, act.size_bytes, INT64_MAX);
      now.size_bytes = act.size_bytes;
      now.has_known_end = true;
      continue;
    }
    if (!act.offset_bytes || *act.offset_bytes < 0 || act.size_bytes < 0 ||
        *act.offset_bytes > INT64_MAX - act.size_bytes) {
      // Somewhere something was written: nothing that was known can be relied on.
      if (changes) {
        now.pieces.clear();
        now.has_known_end = false;
        held_bytes = 0;
      }
      continue;
    }
    const std::int64_t end = *act.offset_bytes + act.size_bytes;
    if (changes) {
      Forget(now.pieces, *act.offset_bytes, end);
      held_bytes = BytesIn(now.pieces);
    }
    std::string_view data = act.data;
    data = data.substr(0, static_cast<std::size_t>(act.size_bytes));
    if (held_bytes + data.size() <= kVersionBytesMax) {
      FillIn(now.pieces, *act.offset_bytes, data);
      held_bytes += data.size();
    }
    now.size_bytes = std::max(now.size_bytes, end);
  }
  if (any) close({});
  return versions;
}

}  // namespace spoor::api
