// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <type_traits>

#include "base/inside.hpp"
#include "base/visible_text.hpp"
#include "store/bounded_json.hpp"
#include "store/catalog.hpp"
#include "store/catalog_check.hpp"
#include "store/sha256.hpp"

namespace spoor::store {
namespace {

constexpr int kVersion = 1;
constexpr std::size_t kReasonCharactersMax = 200;
constexpr std::array<std::string_view, 3> kLifeNames{"sealed", "open", "provisional"};

nlohmann::json ToJson(const Segment& segment) {
  return {{"table", segment.table},
          {"life", SegmentLifeName(segment.life)},
          {"file", segment.file},
          {"size_bytes", segment.size_bytes},
          {"mtime_ns", segment.mtime_ns},
          {"sha256", segment.sha256},
          {"row_count", segment.row_count},
          {"recording_id", segment.recording_id},
          {"first_entry", segment.first_entry},
          {"last_entry", segment.last_entry},
          {"day", segment.day},
          {"host", segment.host}};
}

/// Thrown at what a catalog must not be; the message says what.
struct BadCatalog {
  std::string what;
};

/// The member `name`, as exactly the type that it must have: JSON's own conversions would take -1
/// for a count.
template <typename T>
void Take(const nlohmann::json& object, const char* name, T& target) {
  const nlohmann::json& value = object.at(name);
  bool fits = false;
  if constexpr (std::is_same_v<T, bool>) {
    fits = value.is_boolean();
  } else if constexpr (std::is_same_v<T, std::string>) {
    fits = value.is_string();
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    fits = value.is_number_integer() &&
           (!value.is_number_unsigned() || value.get<std::uint64_t>() <= INT64_MAX);
  } else {
    fits = value.is_number_unsigned();
  }
  if (!fits) throw BadCatalog{fmt::format("{} is of another type, or negative", name)};
  value.get_to(target);
}

const nlohmann::json& ListOf(const nlohmann::json& object, const char* name) {
  const nlohmann::json& list = object.at(name);
  if (!list.is_array()) throw BadCatalog{fmt::format("{} is no list", name)};
  return list;
}

Segment SegmentOf(const nlohmann::json& json) {
  Segment segment;
  Take(json, "table", segment.table);
  if (json.contains("life")) {
    std::string name;
    Take(json, "life", name);
    const auto life = std::ranges::find(kLifeNames, name);
    if (life == kLifeNames.end()) throw BadCatalog{"a segment has no such life"};
    segment.life = static_cast<SegmentLife>(life - kLifeNames.begin());
  }
  Take(json, "file", segment.file);
  Take(json, "size_bytes", segment.size_bytes);
  Take(json, "mtime_ns", segment.mtime_ns);
  Take(json, "sha256", segment.sha256);
  Take(json, "row_count", segment.row_count);
  Take(json, "recording_id", segment.recording_id);
  Take(json, "first_entry", segment.first_entry);
  Take(json, "last_entry", segment.last_entry);
  Take(json, "day", segment.day);
  Take(json, "host", segment.host);
  return segment;
}

IngestedRecording RecordingOf(const nlohmann::json& json) {
  IngestedRecording recording;
  Take(json, "recording_id", recording.recording_id);
  Take(json, "first_entry", recording.first_entry);
  Take(json, "last_entry", recording.last_entry);
  Take(json, "provisional", recording.provisional);
  Take(json, "event_count", recording.event_count);
  if (json.contains("state")) {
    const nlohmann::json& state = json.at("state");
    recording.state.emplace();
    Take(state, "generation", recording.state->generation);
    Take(state, "sha256", recording.state->sha256);
  }
  return recording;
}

Catalog CatalogOf(const nlohmann::json& json) {
  Catalog catalog;
  Take(json, "generation", catalog.generation);
  Take(json, "next_entry", catalog.next_entry);
  if (json.contains("collected")) Take(json, "collected", catalog.collected);
  for (const nlohmann::json& item : ListOf(json, "recordings")) {
    catalog.recordings.push_back(RecordingOf(item));
  }
  for (const nlohmann::json& item : ListOf(json, "segments")) {
    catalog.segments.push_back(SegmentOf(item));
  }
  for (const nlohmann::json& item : ListOf(json, "retired")) {
    if (!item.is_string()) throw BadCatalog{"a retired file is no text"};
    catalog.retired.push_back(item.get<std::string>());
  }
  if (std::optional<std::string> wrong = WhatIsWrong(catalog)) throw BadCatalog{*std::move(wrong)};
  return catalog;
}

/// Of its first `size_bytes`, which is all of it unless it grows meanwhile.
Result<std::string> Sha256OfFile(const FileDescriptor& file, const std::filesystem::path& path,
                                 std::uint64_t size_bytes) {
  Sha256Stream digest;
  std::vector<std::byte> buffer(1 << 18);
  while (size_bytes > 0) {
    const ssize_t got =
        ::read(file.get(), buffer.data(), std::min<std::uint64_t>(buffer.size(), size_bytes));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FailErrno(errno, "{}: cannot read", path.string());
    if (got == 0) break;
    digest.Add(std::span(buffer.data(), static_cast<std::size_t>(got)));
    size_bytes -= static_cast<std::uint64_t>(got);
  }
  return digest.Finish();
}

/// In ns; a file's own time may be any, so the sum wraps around instead of overflowing.
std::int64_t MtimeOf(const struct stat& status) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(status.st_mtim.tv_sec) *
                                       1'000'000'000ULL +
                                   static_cast<std::uint64_t>(status.st_mtim.tv_nsec));
}

tl::unexpected<Error> Broken(const std::filesystem::path& path, std::string_view what) {
  return Fail(
      ErrorCode::kCorrupt,
      "segment {}: {}; it is derived data: `spoor rebuild` makes it again from the evidence",
      path.string(), what);
}

}  // namespace

std::string_view SegmentLifeName(SegmentLife life) {
  return kLifeNames[static_cast<std::size_t>(life)];
}

std::string StateFileName(std::string_view recording_id, std::uint64_t generation) {
  return fmt::format("{}-g{}.state", recording_id, generation);
}

std::string Sha256Text(std::span<const std::byte> bytes) {
  Sha256Stream digest;
  digest.Add(bytes);
  return digest.Finish();
}

Result<Catalog> ParseCatalog(std::string_view text) {
  const auto bad = [](std::string_view what) {
    return Fail(ErrorCode::kCorrupt, "not a catalog ({})", what);
  };
  try {
    const nlohmann::json json = ParseBoundedJson<nlohmann::json>(text);
    std::int64_t version = 0;
    Take(json, "version", version);
    if (version != kVersion) {
      return Fail(ErrorCode::kUnsupported, "version {} is not one that this build reads", version);
    }
    std::int64_t schema_version = 1;
    if (json.contains("schema_version")) Take(json, "schema_version", schema_version);
    if (schema_version < 1) return bad("a schema version that never was");
    if (schema_version > schema::kSchemaVersion) {
      return Fail(ErrorCode::kUnsupported, "the tables are of schema {}, this build reads up to {}",
                  schema_version, schema::kSchemaVersion);
    }
    Catalog catalog = CatalogOf(json);
    catalog.schema_version = static_cast<int>(schema_version);
    return catalog;
  } catch (const BadCatalog& error) {
    return bad(error.what);
  } catch (const nlohmann::json::exception& error) {
    // Its messages quote what they found, of any length.
    return bad(VisibleText(error.what(), kReasonCharactersMax));
  }
}

Result<Catalog> LoadCatalog(const StoreLayout& layout) {
  ASSIGN_OR_RETURN(const std::string text,
                   ReadTextFileInside(layout.root, layout.catalog(), kCatalogBytesMax));
  return ParseCatalogOf(layout, text);
}

Result<Catalog> ParseCatalogOf(const StoreLayout& layout, std::string_view text) {
  Result<Catalog> catalog = ParseCatalog(text);
  if (catalog) return catalog;
  return Fail(catalog.error().code, "{}: {}; it is derived data: `spoor rebuild` makes it again",
              layout.catalog().string(), catalog.error().message);
}

Result<> SaveCatalog(const StoreLayout& layout, const Catalog& catalog) {
  nlohmann::json recordings = nlohmann::json::array();
  for (const IngestedRecording& recording : catalog.recordings) {
    recordings.push_back({{"recording_id", recording.recording_id},
                          {"first_entry", recording.first_entry},
                          {"last_entry", recording.last_entry},
                          {"provisional", recording.provisional},
                          {"event_count", recording.event_count}});
    if (!recording.state) continue;
    recordings.back()["state"] = {{"generation", recording.state->generation},
                                  {"sha256", recording.state->sha256}};
  }
  nlohmann::json segments = nlohmann::json::array();
  for (const Segment& segment : catalog.segments) segments.push_back(ToJson(segment));
  const nlohmann::json json{{"version", kVersion},
                            {"schema_version", catalog.schema_version},
                            {"generation", catalog.generation},
                            {"next_entry", catalog.next_entry},
                            {"recordings", std::move(recordings)},
                            {"segments", std::move(segments)},
                            {"collected", catalog.collected},
                            {"retired", catalog.retired}};
  return WriteFileAtomicallyInside(layout.root, layout.catalog(), AsBytes(json.dump(1) + "\n"));
}

Error EarlierSchema(const StoreLayout& layout, const Catalog& catalog) {
  return {ErrorCode::kUnsupported,
          fmt::format("{}: the tables are of schema {}, this build reads {}: `spoor rebuild` makes "
                      "them again from the evidence",
                      layout.catalog().string(), catalog.schema_version, schema::kSchemaVersion)};
}

Result<> DescribeFile(const StoreLayout& layout, Segment& segment) {
  const std::filesystem::path path = layout.segments() / segment.file;
  ASSIGN_OR_RETURN(const FileDescriptor file, OpenInside(layout.root, path, O_RDONLY));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return FailErrno(errno, "{}: cannot stat", path.string());
  segment.size_bytes = static_cast<std::uint64_t>(status.st_size);
  segment.mtime_ns = MtimeOf(status);
  ASSIGN_OR_RETURN(segment.sha256, Sha256OfFile(file, path, segment.size_bytes));
  return {};
}

Result<> CheckSegment(const StoreLayout& layout, const Segment& segment, bool hash_all) {
  const std::filesystem::path path = layout.segments() / segment.file;
  const Result<FileDescriptor> file = OpenInside(layout.root, path, O_RDONLY);
  if (!file && file.error().code == ErrorCode::kNotFound) return Broken(path, "missing");
  if (!file) return Broken(path, file.error().message);
  struct stat status {};
  if (::fstat(file->get(), &status) != 0) return Broken(path, ErrnoText(errno));
  if (static_cast<std::uint64_t>(status.st_size) != segment.size_bytes) {
    return Broken(path, fmt::format("{} bytes instead of {}", status.st_size, segment.size_bytes));
  }
  if (MtimeOf(status) == segment.mtime_ns && !hash_all) return {};
  const auto sha256 = Sha256OfFile(*file, path, segment.size_bytes);
  if (!sha256) return Broken(path, sha256.error().message);
  if (*sha256 != segment.sha256) return Broken(path, "its SHA-256 is not the catalog's");
  return {};
}

}  // namespace spoor::store
