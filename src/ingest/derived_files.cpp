// SPDX-License-Identifier: Apache-2.0
#include "ingest/derived_files.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "base/file.hpp"
#include "base/scratch_folder.hpp"
#include "store/catalog_check.hpp"
#include "store/index_name.hpp"

namespace spoor::ingest {
namespace {

namespace fs = std::filesystem;

/// The segment of this name, or the one that was being written under it (TemporaryPathFor).
std::optional<store::SegmentName> SegmentOf(std::string_view name) {
  constexpr std::string_view kEnding = ".parquet";
  const std::size_t end = name.rfind(kEnding);
  if (end == name.npos) return std::nullopt;
  const std::string_view finished = name.substr(0, end + kEnding.size());
  if (name != finished && !IsTemporaryName(name, finished)) return std::nullopt;
  return store::ParseSegmentName(finished);
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

Result<DerivedFiles> ListDerivedFiles(const StoreLayout& layout) {
  DerivedFiles files;
  RETURN_IF_ERROR(ForEachFile(layout.segments(), [&](std::string name, bool regular) {
    const std::string_view folder = std::string_view(name).substr(0, name.find('/'));
    const std::optional<store::SegmentName> segment = SegmentOf(name);
    if (regular && segment) {
      files.generation_max = std::max(files.generation_max, segment->generation);
      files.segments.push_back(std::move(name));
    } else if (regular && ScratchFolder::IsName(folder, store::kSpillPurpose)) {
      files.spills.push_back(std::move(name));
    } else {
      files.strangers.push_back("segments/" + name);
    }
  }));
  RETURN_IF_ERROR(ForEachFile(layout.index(), [&](std::string name, bool regular) {
    if (regular && store::IsIndexName(name)) {
      files.indexes.push_back(std::move(name));
    } else {
      files.strangers.push_back("index/" + name);
    }
  }));
  std::ranges::sort(files.strangers);
  return files;
}

}  // namespace spoor::ingest
