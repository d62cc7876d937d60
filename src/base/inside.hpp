// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"

/// The one way to files of a store: a folder that somebody else may have filled. `root` is reached
/// as its user names it, over links too. Below it no link is followed, nothing leads out again, and
/// only what is a regular file (or a folder) is opened, so that nothing waits for a FIFO or wakes a
/// device. `path` always begins with `root`.
/// All fail with: kNotFound, kCorrupt (a link, or no regular file: says what it is), kIo.
namespace spoor {

/// What is made is its owner's alone, whatever the umask: folders 0700, files 0600. In a folder
/// with the setgid bit it is readable by the folder's group, too (02750, 0640).

/// Opens with O_CLOEXEC, O_NOFOLLOW and O_NONBLOCK added. O_DIRECTORY: a folder, else a regular
/// file.
Result<FileDescriptor> OpenInside(const std::filesystem::path& root,
                                  const std::filesystem::path& path, int flags);

/// The whole file. Fails also: kCorrupt when it is larger than `size_bytes_max`.
Result<std::vector<std::byte>> ReadFileInside(const std::filesystem::path& root,
                                              const std::filesystem::path& path,
                                              std::uint64_t size_bytes_max);
Result<std::string> ReadTextFileInside(const std::filesystem::path& root,
                                       const std::filesystem::path& path,
                                       std::uint64_t size_bytes_max);

/// Who may read a file that is made: `kOwner` for private keys, whatever their folder says.
enum class Readers { kAsFolder, kOwner };

/// As WriteFileAtomically.
Result<> WriteFileAtomicallyInside(const std::filesystem::path& root,
                                   const std::filesystem::path& path,
                                   std::span<const std::byte> bytes,
                                   Readers readers = Readers::kAsFolder);

/// Makes `folder` and those above it, below `root`, which must be there.
Result<> CreateFoldersInside(const std::filesystem::path& root,
                             const std::filesystem::path& folder);

/// Gives a file or folder another name in the same `root`. What had that name is gone.
Result<> RenameInside(const std::filesystem::path& root, const std::filesystem::path& from,
                      const std::filesystem::path& to);

/// Gives the file `from` another name in the same `root`, beside the one it has. A file that had
/// the name `to` keeps it: kIo.
Result<> LinkInside(const std::filesystem::path& root, const std::filesystem::path& from,
                    const std::filesystem::path& to);

/// Removes a name (not a folder). What is not there is no failure.
Result<> RemoveInside(const std::filesystem::path& root, const std::filesystem::path& path);

/// Removes an empty folder.
Result<> RemoveFolderInside(const std::filesystem::path& root, const std::filesystem::path& folder);

/// Whether there is something of that name, whatever it is.
bool ExistsInside(const std::filesystem::path& root, const std::filesystem::path& path);

/// Names of what is in `folder`. Fails also: kCorrupt when there are more than `count_max`.
Result<std::vector<std::string>> ListInside(const std::filesystem::path& root,
                                            const std::filesystem::path& folder,
                                            std::size_t count_max);

/// As SyncFolder.
Result<> SyncFolderInside(const std::filesystem::path& root, const std::filesystem::path& folder);

}  // namespace spoor
