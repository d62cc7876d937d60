// SPDX-License-Identifier: Apache-2.0
#include "store/catalog_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/time.hpp"
#include "schema/tables.hpp"

namespace spoor::store {
namespace {

constexpr std::size_t kIdBeginDigits = 12;
constexpr std::uint64_t kCountMax = INT64_MAX;  // counts and places that SQL can hold, with room

bool IsHex(std::string_view text, std::size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

/// A number in decimal, as it would be printed: no zero in front.
std::optional<std::uint64_t> ParseDecimal(std::string_view text) {
  std::uint64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = read.ec == std::errc() && read.ptr == text.data() + text.size();
  if (!whole || value > kCountMax || (text[0] == '0' && text.size() > 1)) return std::nullopt;
  return value;
}

/// "2026-11-21", a day that there is.
bool IsDay(std::string_view text) {
  if (text.size() != 10) return false;
  const Result<std::int64_t> wall_ns = ParseWallTime(std::string(text) + "T00:00:00Z", 0);
  return wall_ns && FormatWallTime(*wall_ns).substr(0, 10) == text;
}

/// Takes what stands before `end` off `text`, `end` included; nothing when there is none.
std::optional<std::string_view> TakeUntil(std::string_view& text, std::string_view end) {
  const std::size_t at = text.find(end);
  if (at == text.npos) return std::nullopt;
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at + end.size());
  return taken;
}

std::string_view WhatIsWrong(const Segment& segment) {
  if (!schema::IsSegmentFolder(segment.table)) return "is of no table";
  const std::optional<SegmentName> name = ParseSegmentName(segment.file);
  if (!name) return "has a file name that no segment has";
  if (name->table != segment.table || name->day != segment.day) {
    return "has a file name of another table or day";
  }
  if (!IsHex(segment.recording_id, 32)) return "has a recording id that is not 32 hex digits";
  if (!segment.recording_id.starts_with(name->recording_id_begin)) {
    return "has a file name of another recording";
  }
  if (!IsHex(segment.sha256, 64)) return "has a SHA-256 that is not 64 hex digits";
  if (segment.size_bytes > kSegmentBytesMax) return "is larger than any segment";
  if (segment.row_count > kCountMax || segment.last_entry > kCountMax)
    return "has a count too high";
  if (segment.first_entry > segment.last_entry) return "ends before it begins";
  return segment.host.size() > kHostBytesMax ? "has a host name too long" : "";
}

std::string_view WhatIsWrong(const IngestedRecording& recording) {
  if (!IsHex(recording.recording_id, 32)) return "has an id that is not 32 hex digits";
  if (recording.first_entry > recording.last_entry) return "ends before it begins";
  if (recording.last_entry > kCountMax || recording.event_count > kCountMax) {
    return "has a count too high";
  }
  if (!recording.state) return "";
  if (!recording.provisional) return "is over and has a state";
  if (recording.state->generation > kCountMax) return "has a state of a generation too high";
  return IsHex(recording.state->sha256, 64) ? "" : "has a SHA-256 that is not 64 hex digits";
}

}  // namespace

std::string FormatSegmentName(const SegmentName& name) {
  return fmt::format("{}{}{}/{}-g{}-{}.parquet", name.table, name.day.empty() ? "" : "/", name.day,
                     name.recording_id_begin.substr(0, kIdBeginDigits), name.generation,
                     name.number);
}

std::optional<SegmentName> ParseSegmentName(std::string_view file) {
  SegmentName name;
  const std::optional<std::string_view> table = TakeUntil(file, "/");
  if (!table || !schema::IsSegmentFolder(*table)) return std::nullopt;
  name.table = *table;
  if (const std::optional<std::string_view> day = TakeUntil(file, "/")) {
    if (!IsDay(*day)) return std::nullopt;
    name.day = *day;
  }
  const std::optional<std::string_view> id = TakeUntil(file, "-g");
  const std::optional<std::string_view> generation = TakeUntil(file, "-");
  const std::optional<std::string_view> number = TakeUntil(file, ".parquet");
  if (!id || !generation || !number || !file.empty() || !IsHex(*id, kIdBeginDigits)) {
    return std::nullopt;
  }
  name.recording_id_begin = *id;
  const std::optional<std::uint64_t> generation_value = ParseDecimal(*generation);
  const std::optional<std::uint64_t> number_value = ParseDecimal(*number);
  if (!generation_value || !number_value) return std::nullopt;
  name.generation = *generation_value;
  name.number = *number_value;
  return name;
}

bool IsStateFileName(std::string_view name) {
  const std::optional<std::string_view> id = TakeUntil(name, "-g");
  const std::optional<std::string_view> generation = TakeUntil(name, ".state");
  return id && IsHex(*id, 32) && generation && ParseDecimal(*generation) && name.empty();
}

std::string KeptCatalogName(std::uint64_t inode) {
  return fmt::format("catalog-{}.json", inode);
}

bool IsKeptCatalogName(std::string_view name) {
  const std::optional<std::string_view> word = TakeUntil(name, "-");
  const std::optional<std::string_view> inode = TakeUntil(name, ".json");
  return word == "catalog" && inode && ParseDecimal(*inode) && name.empty();
}

std::optional<std::string> WhatIsWrong(const Catalog& catalog) {
  if (catalog.generation > kCountMax || catalog.next_entry > kCountMax) {
    return "its generation or next entry is too high";
  }
  if (catalog.segments.size() > kSegmentsMax || catalog.retired.size() > kSegmentsMax ||
      catalog.recordings.size() > kRecordingsMax) {
    return fmt::format("more than {} segments or {} recordings", kSegmentsMax, kRecordingsMax);
  }
  std::set<std::string_view> files;
  for (std::size_t i = 0; i < catalog.segments.size(); ++i) {
    const std::string_view wrong = WhatIsWrong(catalog.segments[i]);
    if (!wrong.empty()) return fmt::format("segment {} {}", i, wrong);
    if (!files.insert(catalog.segments[i].file).second) {
      return fmt::format("segment {} has the file of an earlier one", i);
    }
  }
  for (std::size_t i = 0; i < catalog.retired.size(); ++i) {
    if (!ParseSegmentName(catalog.retired[i])) {
      return fmt::format("retired file {} has a name that no segment has", i);
    }
    if (!files.insert(catalog.retired[i]).second) {
      return fmt::format("retired file {} is named before", i);
    }
  }
  std::set<std::string_view> ids;
  for (std::size_t i = 0; i < catalog.recordings.size(); ++i) {
    const std::string_view wrong = WhatIsWrong(catalog.recordings[i]);
    if (!wrong.empty()) return fmt::format("recording {} {}", i, wrong);
    if (!ids.insert(catalog.recordings[i].recording_id).second) {
      return fmt::format("recording {} has the id of an earlier one", i);
    }
  }
  return std::nullopt;
}

}  // namespace spoor::store
