// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <span>

#include "base/file.hpp"
#include "store/catalog.hpp"
#include "store/sha256.hpp"

namespace spoor::store {
namespace {

constexpr int kVersion = 1;
constexpr std::uint64_t kCatalogBytesMax = 1ULL << 30;

nlohmann::json ToJson(const Segment& segment) {
  return {{"table", segment.table},
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

Segment SegmentOf(const nlohmann::json& json) {
  Segment segment;
  json.at("table").get_to(segment.table);
  json.at("file").get_to(segment.file);
  json.at("size_bytes").get_to(segment.size_bytes);
  json.at("mtime_ns").get_to(segment.mtime_ns);
  json.at("sha256").get_to(segment.sha256);
  json.at("row_count").get_to(segment.row_count);
  json.at("recording_id").get_to(segment.recording_id);
  json.at("first_entry").get_to(segment.first_entry);
  json.at("last_entry").get_to(segment.last_entry);
  json.at("day").get_to(segment.day);
  json.at("host").get_to(segment.host);
  return segment;
}

Result<std::string> Sha256OfFile(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const FileDescriptor file, OpenFile(path, O_RDONLY));
  Sha256Stream digest;
  std::vector<std::byte> buffer(1 << 18);
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FailErrno(errno, "{}: cannot read", path.string());
    if (got == 0) break;
    digest.Add(std::span(buffer.data(), static_cast<std::size_t>(got)));
  }
  return digest.Finish();
}

tl::unexpected<Error> Broken(const std::filesystem::path& path, std::string_view what) {
  return Fail(
      ErrorCode::kCorrupt,
      "segment {}: {}; it is derived data: `spoor rebuild` makes it again from the evidence",
      path.string(), what);
}

}  // namespace

Result<Catalog> LoadCatalog(const StoreLayout& layout) {
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(layout.catalog(), kCatalogBytesMax));
  Catalog catalog;
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    if (const int version = json.at("version").get<int>(); version != kVersion) {
      return Fail(ErrorCode::kUnsupported, "{}: version {} is not one that this build reads",
                  layout.catalog().string(), version);
    }
    json.at("generation").get_to(catalog.generation);
    json.at("next_entry").get_to(catalog.next_entry);
    for (const nlohmann::json& item : json.at("recordings")) {
      IngestedRecording recording;
      item.at("recording_id").get_to(recording.recording_id);
      item.at("first_entry").get_to(recording.first_entry);
      item.at("last_entry").get_to(recording.last_entry);
      item.at("provisional").get_to(recording.provisional);
      item.at("event_count").get_to(recording.event_count);
      catalog.recordings.push_back(std::move(recording));
    }
    for (const nlohmann::json& item : json.at("segments")) {
      catalog.segments.push_back(SegmentOf(item));
    }
    json.at("retired").get_to(catalog.retired);
  } catch (const nlohmann::json::exception& error) {
    return Fail(ErrorCode::kCorrupt,
                "{}: not a catalog ({}); it is derived data: `spoor rebuild` makes it again",
                layout.catalog().string(), error.what());
  }
  return catalog;
}

Result<> SaveCatalog(const StoreLayout& layout, const Catalog& catalog) {
  nlohmann::json recordings = nlohmann::json::array();
  for (const IngestedRecording& recording : catalog.recordings) {
    recordings.push_back({{"recording_id", recording.recording_id},
                          {"first_entry", recording.first_entry},
                          {"last_entry", recording.last_entry},
                          {"provisional", recording.provisional},
                          {"event_count", recording.event_count}});
  }
  nlohmann::json segments = nlohmann::json::array();
  for (const Segment& segment : catalog.segments) segments.push_back(ToJson(segment));
  const nlohmann::json json{{"version", kVersion},
                            {"generation", catalog.generation},
                            {"next_entry", catalog.next_entry},
                            {"recordings", std::move(recordings)},
                            {"segments", std::move(segments)},
                            {"retired", catalog.retired}};
  return WriteFileAtomically(layout.catalog(), AsBytes(json.dump(1) + "\n"));
}

Result<> DescribeFile(const StoreLayout& layout, Segment& segment) {
  const std::filesystem::path path = layout.segments() / segment.file;
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return FailErrno(errno, "{}: cannot stat", path.string());
  segment.size_bytes = static_cast<std::uint64_t>(status.st_size);
  segment.mtime_ns = status.st_mtim.tv_sec * 1'000'000'000LL + status.st_mtim.tv_nsec;
  ASSIGN_OR_RETURN(segment.sha256, Sha256OfFile(path));
  return {};
}

Result<> CheckSegment(const StoreLayout& layout, const Segment& segment, bool hash_all) {
  const std::filesystem::path path = layout.segments() / segment.file;
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return Broken(path, errno == ENOENT ? "missing" : ErrnoText(errno));
  }
  if (static_cast<std::uint64_t>(status.st_size) != segment.size_bytes) {
    return Broken(path, fmt::format("{} bytes instead of {}", status.st_size, segment.size_bytes));
  }
  const std::int64_t mtime_ns = status.st_mtim.tv_sec * 1'000'000'000LL + status.st_mtim.tv_nsec;
  if (mtime_ns == segment.mtime_ns && !hash_all) return {};
  const auto sha256 = Sha256OfFile(path);
  if (!sha256) return Broken(path, sha256.error().message);
  if (*sha256 != segment.sha256) return Broken(path, "its SHA-256 is not the catalog's");
  return {};
}

}  // namespace spoor::store
