// SPDX-License-Identifier: Apache-2.0
#include "base/scratch_folder.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

#include "base/check.hpp"
#include "base/file.hpp"

namespace spoor {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kRandomPart = "XXXXXX";  // mkdtemp's

std::string NameBefore(std::string_view purpose) {
  return fmt::format("spoor-{}-", purpose);
}

}  // namespace

bool ScratchFolder::IsName(std::string_view name, std::string_view purpose) {
  const std::string before = NameBefore(purpose);
  return name.size() == before.size() + kRandomPart.size() && name.starts_with(before);
}

Result<ScratchFolder> ScratchFolder::Make(const fs::path& parent, std::string_view purpose) {
  std::string path = (parent / NameBefore(purpose)).string() + std::string(kRandomPart);
  if (::mkdtemp(path.data()) == nullptr) {
    return FailErrno(errno, "{}: cannot make a folder there (TMPDIR)", parent.string());
  }
  return ScratchFolder(Made{path});
}

ScratchFolder::ScratchFolder(const fs::path& parent) {
  Result<ScratchFolder> made = Make(parent, "test");
  SPOOR_CHECK(made.has_value()) << made.error().message;
  path_ = std::exchange(made->path_, {});
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;  // what stays is named for what it was
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

fs::path ScratchFolder::MemoryFolder() {
  const fs::path memory = "/dev/shm";
  return fs::exists(memory) ? memory : fs::temp_directory_path();
}

fs::path ScratchFolder::FolderOnDisk() {
  const char* const configured = std::getenv("TMPDIR");
  return configured != nullptr && *configured != '\0' ? configured : "/var/tmp";
}

}  // namespace spoor
