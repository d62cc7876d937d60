// SPDX-License-Identifier: Apache-2.0
#include "store/held_catalog.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <utility>

#include "base/inside.hpp"
#include "store/catalog_check.hpp"

namespace spoor::store {
namespace {

constexpr int kTriesMax = 100;
constexpr std::size_t kNamesMax = 1'000'000;

struct stat StatusOf(const FileDescriptor& file) {
  struct stat status {};
  (void)::fstat(file.get(), &status);  // of an open file: cannot fail
  return status;
}

/// The number of the file that is the catalog now; 0: there is none.
ino_t CurrentCatalog(const StoreLayout& layout) {
  const Result<FileDescriptor> file = OpenInside(layout.root, layout.catalog(), O_RDONLY);
  return file ? StatusOf(*file).st_ino : 0;
}

}  // namespace

Result<HeldCatalog> HoldCatalog(const StoreLayout& layout) {
  for (int i = 0; i < kTriesMax; ++i) {
    ASSIGN_OR_RETURN(FileDescriptor file, OpenInside(layout.root, layout.catalog(), O_RDONLY));
    Result<FileLock> lock =
        FileLock::Lock(std::move(file), layout.catalog(), FileLock::Mode::kTryShared);
    if (!lock && lock.error().code == ErrorCode::kUnavailable) continue;  // it just lost its name
    if (!lock) {
      ASSIGN_OR_RETURN(Catalog catalog, LoadCatalog(layout));
      return HeldCatalog{.catalog = std::move(catalog), .hold = nullptr};
    }
    if (StatusOf(lock->file()).st_nlink == 0) continue;
    ASSIGN_OR_RETURN(const std::vector<std::byte> bytes,
                     ReadAll(lock->file().get(), layout.catalog(), kCatalogBytesMax));
    ASSIGN_OR_RETURN(Catalog catalog, ParseCatalogOf(layout, AsText(bytes)));
    return HeldCatalog{.catalog = std::move(catalog),
                       .hold = std::make_shared<const FileLock>(*std::move(lock))};
  }
  return Fail(ErrorCode::kUnavailable, "{}: grows faster than it can be read: try again",
              layout.root.string());
}

void KeepCatalog(const StoreLayout& layout) {
  const ino_t inode = CurrentCatalog(layout);
  if (inode == 0) return;
  if (!CreateFoldersInside(layout.root, layout.ingest_state())) return;
  // An ingest that was killed may have done it: the name says that it is the same file.
  (void)LinkInside(layout.root, layout.catalog(), layout.ingest_state() / KeptCatalogName(inode));
}

std::set<std::string> FilesHeldByReaders(const StoreLayout& layout) {
  std::set<std::string> held;
  const auto names = ListInside(layout.root, layout.ingest_state(), kNamesMax);
  if (!names) return held;  // nothing was ever kept
  const ino_t current = CurrentCatalog(layout);
  for (const std::string& name : *names) {
    if (!IsKeptCatalogName(name)) continue;
    const std::filesystem::path path = layout.ingest_state() / name;
    // For writing, which locks over NFS need.
    Result<FileDescriptor> file = OpenInside(layout.root, path, O_RDWR);
    // A catalog that never lost its place, as its ingest was killed, is no earlier one.
    if (!file || StatusOf(*file).st_ino == current) continue;
    const Result<FileLock> alone = FileLock::Lock(*std::move(file), path, FileLock::Mode::kTry);
    if (alone) {
      (void)RemoveInside(layout.root, path);  // one that stays is looked at again
      continue;
    }
    const Result<std::string> text = ReadTextFileInside(layout.root, path, kCatalogBytesMax);
    if (!text) continue;
    const Result<Catalog> catalog = ParseCatalog(*text);
    if (!catalog) continue;
    for (const Segment& segment : catalog->segments) held.insert(segment.file);
  }
  return held;
}

}  // namespace spoor::store
