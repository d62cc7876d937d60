// SPDX-License-Identifier: Apache-2.0
#include "ingest/derived_files.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>

#include "store/segment_writer.hpp"

namespace spoor::ingest {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kUnfinished = ".tmp";
constexpr std::string_view kSpillFolder = "tmp/";
constexpr std::size_t kRecordingDigits = 12;
/// The rows of event once more, in another order (store/segments.sql).
constexpr std::string_view kEventByObject = "event_by_object";

bool IsDigits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// Takes `text` up to `end` off the front; nothing when `end` is not in it.
std::optional<std::string_view> TakeUntil(std::string_view& text, std::string_view end) {
  const std::size_t at = text.find(end);
  if (at == text.npos) return std::nullopt;
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at + end.size());
  return taken;
}

bool IsDay(std::string_view text) {
  return text.size() == 10 && text[4] == '-' && text[7] == '-' && IsDigits(text.substr(0, 4)) &&
         IsDigits(text.substr(5, 2)) && IsDigits(text.substr(8, 2));
}

/// The generation in the name TABLE/[DAY/]RECORDING-gGENERATION-NUMBER.parquet; nothing when it is
/// no such name.
std::optional<std::uint64_t> GenerationIn(std::string_view name) {
  const auto table = TakeUntil(name, "/");
  const bool known =
      table && (*table == kEventByObject ||
                std::ranges::find(store::kTableNames, *table) != store::kTableNames.end());
  if (!known) return std::nullopt;
  if (const std::size_t slash = name.find('/'); slash != name.npos) {
    if (!IsDay(name.substr(0, slash))) return std::nullopt;
    name.remove_prefix(slash + 1);
  }
  const auto recording = TakeUntil(name, "-g");
  const auto generation = recording ? TakeUntil(name, "-") : std::nullopt;
  const auto number = generation ? TakeUntil(name, ".parquet") : std::nullopt;
  const bool hex = recording && recording->size() == kRecordingDigits &&
                   recording->find_first_not_of("0123456789abcdef") == recording->npos;
  if (!hex || !number || !name.empty() || !IsDigits(*generation) || !IsDigits(*number)) {
    return std::nullopt;
  }
  std::uint64_t value = 0;
  const auto read =
      std::from_chars(generation->data(), generation->data() + generation->size(), value);
  return read.ec == std::errc() ? std::optional(value) : std::nullopt;
}

/// Calls `take` with the name of each file and link below `folder`, relative to it.
template <typename Take>
Result<> ForEachFile(const fs::path& folder, Take&& take) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(folder, error);
  if (status.type() == fs::file_type::not_found) return {};
  if (status.type() == fs::file_type::symlink) {
    return Fail(ErrorCode::kCorrupt, "{}: is a symbolic link, which is not followed",
                folder.string());
  }
  fs::recursive_directory_iterator item(folder, error);
  for (; !error && item != fs::recursive_directory_iterator(); item.increment(error)) {
    std::error_code gone;
    const fs::file_status found = item->symlink_status(gone);
    if (gone || found.type() == fs::file_type::directory) continue;
    take(item->path().lexically_relative(folder).string(), found.type() == fs::file_type::regular);
  }
  if (!error) return {};
  return Fail(ErrorCode::kIo, "{}: cannot list: {}", folder.string(), error.message());
}

}  // namespace

bool IsSegmentName(std::string_view file) {
  return GenerationIn(file).has_value();
}

Result<DerivedFiles> ListDerivedFiles(const StoreLayout& layout) {
  DerivedFiles files;
  RETURN_IF_ERROR(ForEachFile(layout.segments(), [&](std::string name, bool regular) {
    // Where DuckDB puts rows that do not fit into memory.
    if (name.starts_with(kSpillFolder)) return;
    std::string_view finished = name;
    if (finished.ends_with(kUnfinished)) finished.remove_suffix(kUnfinished.size());
    const std::optional<std::uint64_t> generation = GenerationIn(finished);
    if (!regular || !generation) {
      files.strangers.push_back("segments/" + name);
      return;
    }
    files.generation_max = std::max(files.generation_max, *generation);
    files.segments.push_back(std::move(name));
  }));
  RETURN_IF_ERROR(ForEachFile(layout.index(), [&](const std::string& name, bool) {
    files.strangers.push_back("index/" + name);
  }));
  std::ranges::sort(files.strangers);
  return files;
}

}  // namespace spoor::ingest
