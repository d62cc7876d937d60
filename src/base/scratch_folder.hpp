// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string_view>
#include <utility>

#include "base/result.hpp"

namespace spoor {

/// A new empty folder for this process alone (mode 0700); removed with all its contents.
class ScratchFolder {
 public:
  /// `parent`/spoor-`purpose`-XXXXXX. Fails: kIo and its like, naming the parent.
  static Result<ScratchFolder> Make(const std::filesystem::path& parent, std::string_view purpose);
  /// For tests, benchmarks and fuzzers: aborts where there can be none.
  explicit ScratchFolder(const std::filesystem::path& parent);
  ScratchFolder() : ScratchFolder(std::filesystem::temp_directory_path()) {}
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::move(other.path_)) {
    other.path_.clear();
  }
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder();
  const std::filesystem::path& path() const { return path_; }

  /// Whether `name` is one that Make gives for `purpose`: what a killed process left has it.
  static bool IsName(std::string_view name, std::string_view purpose);

  /// Where files are in memory, if this machine has such a place.
  static std::filesystem::path MemoryFolder();
  /// Where much may be put: $TMPDIR, else /var/tmp. Not /tmp, which may be memory.
  static std::filesystem::path FolderOnDisk();

 private:
  struct Made {
    std::filesystem::path path;
  };
  explicit ScratchFolder(Made made) : path_(std::move(made.path)) {}
  std::filesystem::path path_;  ///< empty: moved from
};

}  // namespace spoor
