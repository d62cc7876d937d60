// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/check.hpp"

namespace spoor::evidence {

/// A new empty folder for tests, benchmarks and fuzzers; removed with all its contents.
class ScratchFolder {
 public:
  explicit ScratchFolder(const std::filesystem::path& parent) {
    std::string pattern = (parent / "spoor-log-XXXXXX").string();
    SPOOR_CHECK(::mkdtemp(pattern.data()) != nullptr) << "mkdtemp in " << parent;
    path_ = pattern;
  }
  ScratchFolder() : ScratchFolder(std::filesystem::temp_directory_path()) {}
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

  /// Where files are in memory, if this machine has such a place.
  static std::filesystem::path MemoryFolder() {
    const std::filesystem::path memory = "/dev/shm";
    return std::filesystem::exists(memory) ? memory : std::filesystem::temp_directory_path();
  }

 private:
  std::filesystem::path path_;
};

}  // namespace spoor::evidence
