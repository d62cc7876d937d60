// SPDX-License-Identifier: Apache-2.0
// Down to the last part that DuckDB cannot be told, a path is a folder that somebody made before;
// below it stands what a store itself is made of.
#include "store/quoted_path.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <map>
#include <mutex>
#include <optional>

#include "base/file.hpp"
#include "base/visible_text.hpp"
#include "store/store.hpp"

namespace spoor::store {
namespace {

bool CanBeTold(std::string_view name) {
  if (name.find_first_of(std::string_view("*?[\0", 4)) != std::string_view::npos) return false;
  while (!name.empty()) {
    const Utf8Character character = FirstCharacter(name);
    if (!character.valid) return false;
    name.remove_prefix(character.size_bytes);
  }
  return true;
}

bool IsSameFolder(int one, int other) {
  struct stat a {};
  struct stat b {};
  return ::fstat(one, &a) == 0 && ::fstat(other, &b) == 0 && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino;
}

/// A descriptor of `folder` that stays open. Another folder of that name gets another one: what
/// reads the first may not be done.
std::optional<int> HeldOpen(const std::filesystem::path& folder) {
  static std::mutex mutex;
  static std::multimap<std::filesystem::path, FileDescriptor> held;
  Result<FileDescriptor> opened = OpenFile(folder, O_PATH | O_DIRECTORY);
  if (!opened) return std::nullopt;
  const std::scoped_lock lock(mutex);
  const auto [begin, end] = held.equal_range(folder);
  for (auto it = begin; it != end; ++it) {
    if (IsSameFolder(it->second.get(), opened->get())) return it->second.get();
  }
  return held.emplace(folder, std::move(*opened))->second.get();
}

}  // namespace

std::string QuotedPath(const std::filesystem::path& path) {
  std::filesystem::path above;
  std::filesystem::path below;
  for (const std::filesystem::path& part : path) {
    below /= part;
    if (CanBeTold(part.native())) continue;
    above /= below;
    below.clear();
  }
  if (above.empty()) return Quoted(path.native());
  const std::optional<int> folder = HeldOpen(above);
  if (!folder) return Quoted(path.native());
  return Quoted((std::filesystem::path(fmt::format("/proc/self/fd/{}", *folder)) / below).native());
}

}  // namespace spoor::store
