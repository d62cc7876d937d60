// SPDX-License-Identifier: Apache-2.0
// openat2 resolves a whole path under these rules in one call (Linux 5.6). Where it is not there,
// or a sandbox refuses it, the folders are walked one by one with O_NOFOLLOW.
#include "base/inside.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace spoor {
namespace {

namespace fs = std::filesystem;

/// What O_NOFOLLOW says of a link, and openat2 of one on the way.
bool IsRefusedLink(int why) {
  return why == ELOOP || why == EXDEV || why == EMLINK;
}

tl::unexpected<Error> CannotOpen(int why, const fs::path& path) {
  if (why == ENOENT) return Fail(ErrorCode::kNotFound, "{}: no such file", path.string());
  if (IsRefusedLink(why)) {
    return Fail(ErrorCode::kCorrupt, "{}: leads over a link, and a store has none", path.string());
  }
  if (why == ENOTDIR) {
    return Fail(ErrorCode::kCorrupt, "{}: is no folder, or leads over a file or link",
                path.string());
  }
  return FailErrno(why, "{}: cannot open", path.string());
}

std::string_view KindOf(mode_t mode) {
  if (S_ISDIR(mode)) return "folder";
  if (S_ISLNK(mode)) return "link";
  if (S_ISFIFO(mode)) return "FIFO";
  if (S_ISSOCK(mode)) return "socket";
  return S_ISREG(mode) ? "file" : "device";
}

/// Root and what comes below it. Nothing: `path` does not begin with `root`, or goes up.
Result<fs::path> Below(const fs::path& root, const fs::path& path) {
  const std::string& whole = path.native();
  std::string prefix = root.native();
  if (!prefix.empty() && prefix.back() != '/') prefix += '/';
  bool good = whole.starts_with(prefix) || path == root;
  fs::path below = path == root ? fs::path() : good ? fs::path(whole.substr(prefix.size())) : path;
  good = good && !below.is_absolute() && whole.find('\0') == std::string::npos;
  for (const fs::path& part : below) good = good && part != "..";
  if (good) return below;
  return Fail(ErrorCode::kCorrupt, "{}: is not below {}", path.string(), root.string());
}

/// What openat2 does below, folder by folder. Returns -1 and errno.
int WalkBelow(int root, const fs::path& below, int flags) {
  FileDescriptor folder;  // of what comes next; none: the root
  std::string name = ".";
  for (const fs::path& part : below) {
    if (part.empty()) continue;  // behind a slash at the end
    const int at = folder.valid() ? folder.get() : root;
    folder =
        FileDescriptor(::openat(at, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder.valid()) return -1;
    name = part;
  }
  return ::openat(folder.valid() ? folder.get() : root, name.c_str(), flags);
}

/// openat2 or what it does, for folders and files that are there. Returns -1 and errno.
int OpenBelow(int root, const fs::path& below, int flags) {
  const char* const name = below.empty() ? "." : below.c_str();
  struct open_how how {};
  how.flags = static_cast<std::uint64_t>(flags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  const long fd = ::syscall(SYS_openat2, root, name, &how, sizeof(how));
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return static_cast<int>(fd);
  return WalkBelow(root, below, flags);
}

/// The root, or a folder below it, to open other things in.
Result<FileDescriptor> OpenRoot(const fs::path& root) {
  return OpenFile(root.empty() ? fs::path(".") : root, O_PATH | O_DIRECTORY);
}

Result<FileDescriptor> OpenFolderOf(const fs::path& root, const fs::path& path) {
  ASSIGN_OR_RETURN(const fs::path below, Below(root, path));
  ASSIGN_OR_RETURN(const FileDescriptor top, OpenRoot(root));
  FileDescriptor folder(
      OpenBelow(top.get(), below.parent_path(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder.valid()) return CannotOpen(errno, path);
  return folder;
}

Result<> CheckKind(int fd, const fs::path& path, bool folder) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return FailErrno(errno, "{}: cannot stat", path.string());
  if (folder ? S_ISDIR(status.st_mode) : S_ISREG(status.st_mode)) return {};
  return Fail(ErrorCode::kCorrupt, "{}: is a {}, not a {}", path.string(), KindOf(status.st_mode),
              folder ? "folder" : "regular file");
}

bool IsShared(int folder) {
  struct stat status {};
  return ::fstat(folder, &status) == 0 && (status.st_mode & S_ISGID) != 0;
}

/// The setgid bit comes from the folder above. Only a umask that takes off the group's rights needs
/// more, and that is not asked for otherwise: sandboxes refuse calls that name the bit.
Result<> ShareFolder(int folder, const fs::path& name) {
  struct stat status {};
  if (::fstat(folder, &status) == 0 && (status.st_mode & 0777) == 0750) return {};
  if (::fchmod(folder, 02750) == 0) return {};
  return FailErrno(errno, "{}: cannot set its mode", name.string());
}

/// Makes the file `name` in `folder`, which must not be there. Returns -1 and errno.
int CreateIn(int folder, const char* name, int flags, Readers readers = Readers::kAsFolder) {
  const int fd = ::openat(folder, name, flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  // Not by the umask: a folder that shares with its group says so itself.
  if (fd >= 0 && readers == Readers::kAsFolder && IsShared(folder) && ::fchmod(fd, 0640) != 0) {
    const int why = errno;
    ::close(fd);
    errno = why;
    return -1;
  }
  return fd;
}

}  // namespace

Result<FileDescriptor> OpenInside(const fs::path& root, const fs::path& path, int flags) {
  ASSIGN_OR_RETURN(const fs::path below, Below(root, path));
  if ((flags & O_CREAT) != 0) {
    ASSIGN_OR_RETURN(const FileDescriptor folder, OpenFolderOf(root, path));
    FileDescriptor made(CreateIn(folder.get(), below.filename().c_str(), flags));
    if (made.valid()) return made;
    if (errno != EEXIST || (flags & O_EXCL) != 0) return CannotOpen(errno, path);
    flags &= ~O_CREAT;
  }
  ASSIGN_OR_RETURN(const FileDescriptor top, OpenRoot(root));
  // What it is, is known before it is opened: opening alone can wake a device.
  const bool folder = (flags & O_DIRECTORY) != 0;
  const FileDescriptor seen(OpenBelow(top.get(), below, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!seen.valid()) return CannotOpen(errno, path);
  RETURN_IF_ERROR(CheckKind(seen.get(), path, folder));
  FileDescriptor file(
      OpenBelow(top.get(), below, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file.valid()) return CannotOpen(errno, path);
  RETURN_IF_ERROR(CheckKind(file.get(), path, folder));
  return file;
}

Result<std::vector<std::byte>> ReadFileInside(const fs::path& root, const fs::path& path,
                                              std::uint64_t size_bytes_max) {
  ASSIGN_OR_RETURN(const FileDescriptor file, OpenInside(root, path, O_RDONLY));
  return ReadAll(file.get(), path, size_bytes_max);
}

Result<std::string> ReadTextFileInside(const fs::path& root, const fs::path& path,
                                       std::uint64_t size_bytes_max) {
  ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadFileInside(root, path, size_bytes_max));
  return std::string(AsText(bytes));
}

Result<> WriteFileAtomicallyInside(const fs::path& root, const fs::path& path,
                                   std::span<const std::byte> bytes, Readers readers) {
  ASSIGN_OR_RETURN(const FileDescriptor folder, OpenFolderOf(root, path));
  const fs::path temporary = TemporaryPathFor(path);
  const std::string name = path.filename().string();
  const std::string temporary_name = temporary.filename().string();
  const auto give_up = [&](Result<> failed) {
    ::unlinkat(folder.get(), temporary_name.c_str(), 0);
    return failed;
  };
  {
    const FileDescriptor file(CreateIn(folder.get(), temporary_name.c_str(), O_WRONLY, readers));
    if (!file.valid()) return CannotOpen(errno, temporary);
    Result<> written = WriteAll(file.get(), bytes, temporary);
    if (written && ::fsync(file.get()) != 0) {
      written = FailErrno(errno, "{}: cannot sync", temporary.string());
    }
    if (!written) return give_up(written);
  }
  if (::renameat(folder.get(), temporary_name.c_str(), folder.get(), name.c_str()) != 0) {
    return give_up(FailErrno(errno, "{}: cannot rename to {}", temporary.string(), path.string()));
  }
  return SyncFolderInside(root, path.parent_path());
}

Result<> CreateFoldersInside(const fs::path& root, const fs::path& folder) {
  ASSIGN_OR_RETURN(const fs::path below, Below(root, folder));
  ASSIGN_OR_RETURN(FileDescriptor at, OpenRoot(root));
  for (const fs::path& part : below) {
    if (part.empty()) continue;  // behind a slash at the end
    const bool shared = IsShared(at.get());
    const bool made = ::mkdirat(at.get(), part.c_str(), shared ? 0750 : 0700) == 0;
    if (!made && errno != EEXIST) {
      return FailErrno(errno, "{}: cannot create", folder.string());
    }
    FileDescriptor next(
        ::openat(at.get(), part.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next.valid()) return CannotOpen(errno, folder);
    if (made && shared) RETURN_IF_ERROR(ShareFolder(next.get(), folder));
    at = std::move(next);
  }
  return {};
}

Result<> RenameInside(const fs::path& root, const fs::path& from, const fs::path& to) {
  ASSIGN_OR_RETURN(const FileDescriptor from_folder, OpenFolderOf(root, from));
  ASSIGN_OR_RETURN(const FileDescriptor to_folder, OpenFolderOf(root, to));
  if (::renameat(from_folder.get(), from.filename().c_str(), to_folder.get(),
                 to.filename().c_str()) != 0) {
    return FailErrno(errno, "{}: cannot rename to {}", from.string(), to.string());
  }
  return {};
}

Result<> LinkInside(const fs::path& root, const fs::path& from, const fs::path& to) {
  ASSIGN_OR_RETURN(const FileDescriptor from_folder, OpenFolderOf(root, from));
  ASSIGN_OR_RETURN(const FileDescriptor to_folder, OpenFolderOf(root, to));
  if (::linkat(from_folder.get(), from.filename().c_str(), to_folder.get(), to.filename().c_str(),
               0) != 0) {
    return FailErrno(errno, "{}: cannot also be called {}", from.string(), to.string());
  }
  return {};
}

Result<> RemoveInside(const fs::path& root, const fs::path& path) {
  const Result<FileDescriptor> folder = OpenFolderOf(root, path);
  if (!folder && folder.error().code == ErrorCode::kNotFound) return {};
  if (!folder) return tl::unexpected<Error>(folder.error());
  if (::unlinkat(folder->get(), path.filename().c_str(), 0) != 0 && errno != ENOENT) {
    return FailErrno(errno, "{}: cannot remove", path.string());
  }
  return {};
}

Result<> RemoveFolderInside(const fs::path& root, const fs::path& folder) {
  ASSIGN_OR_RETURN(const FileDescriptor above, OpenFolderOf(root, folder));
  if (::unlinkat(above.get(), folder.filename().c_str(), AT_REMOVEDIR) != 0) {
    return FailErrno(errno, "{}: cannot remove", folder.string());
  }
  return {};
}

bool ExistsInside(const fs::path& root, const fs::path& path) {
  const Result<fs::path> below = Below(root, path);
  const Result<FileDescriptor> top = OpenRoot(root);
  if (!below || !top) return false;
  return FileDescriptor(OpenBelow(top->get(), *below, O_PATH | O_NOFOLLOW | O_CLOEXEC)).valid() ||
         IsRefusedLink(errno);
}

Result<std::vector<std::string>> ListInside(const fs::path& root, const fs::path& folder,
                                            std::size_t count_max) {
  ASSIGN_OR_RETURN(const FileDescriptor file, OpenInside(root, folder, O_RDONLY | O_DIRECTORY));
  DIR* const stream = ::fdopendir(::fcntl(file.get(), F_DUPFD_CLOEXEC, 0));
  if (stream == nullptr) return FailErrno(errno, "{}: cannot list", folder.string());
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* const item = ::readdir(stream)) {
    const std::string_view name = item->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    if (names.size() > count_max) break;
  }
  const int why = errno;
  ::closedir(stream);
  if (names.size() > count_max) {
    return Fail(ErrorCode::kCorrupt, "{}: has more than {} names", folder.string(), count_max);
  }
  if (why != 0) return FailErrno(why, "{}: cannot list", folder.string());
  return names;
}

Result<> SyncFolderInside(const fs::path& root, const fs::path& folder) {
  ASSIGN_OR_RETURN(const FileDescriptor file, OpenInside(root, folder, O_RDONLY | O_DIRECTORY));
  if (::fsync(file.get()) != 0) return FailErrno(errno, "{}: cannot sync", folder.string());
  return {};
}

}  // namespace spoor
