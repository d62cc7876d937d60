// SPDX-License-Identifier: Apache-2.0
#include "base/file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/check.hpp"

namespace spoor {

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    Reset();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

void FileDescriptor::Reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Result<FileDescriptor> OpenFile(const std::filesystem::path& path, int flags, unsigned mode) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, static_cast<mode_t>(mode));
  if (fd < 0) {
    if (errno == ENOENT) return Fail(ErrorCode::kNotFound, "{}: no such file", path.string());
    return FailErrno(errno, "{}: cannot open", path.string());
  }
  return FileDescriptor(fd);
}

Result<> WriteAll(int fd, std::span<const std::byte> bytes, const std::filesystem::path& name) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return FailErrno(errno, "{}: cannot write", name.string());
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Result<std::vector<std::byte>> ReadAll(int fd, const std::filesystem::path& name,
                                       std::uint64_t size_bytes_max) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return FailErrno(errno, "{}: cannot stat", name.string());
  if (S_ISDIR(status.st_mode)) return Fail(ErrorCode::kIo, "{}: is a folder", name.string());
  const auto too_large = [&] {
    return Fail(ErrorCode::kCorrupt, "{}: larger than {} bytes", name.string(), size_bytes_max);
  };
  const auto size_bytes = static_cast<std::uint64_t>(status.st_size);
  if (size_bytes > size_bytes_max) return too_large();
  std::vector<std::byte> bytes(size_bytes);
  std::size_t filled = 0;
  for (;;) {
    // One byte more than the file said, so that a growing file is noticed.
    if (filled == bytes.size()) bytes.resize(filled + 4096);
    const ssize_t got = ::read(fd, bytes.data() + filled, bytes.size() - filled);
    if (got < 0) {
      if (errno == EINTR) continue;
      return FailErrno(errno, "{}: cannot read", name.string());
    }
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
    if (filled > size_bytes_max) return too_large();
  }
  bytes.resize(filled);
  return bytes;
}

Result<std::vector<std::byte>> ReadFile(const std::filesystem::path& path,
                                        std::uint64_t size_bytes_max) {
  ASSIGN_OR_RETURN(const FileDescriptor file, OpenFile(path, O_RDONLY));
  return ReadAll(file.get(), path, size_bytes_max);
}

Result<std::string> ReadTextFile(const std::filesystem::path& path, std::uint64_t size_bytes_max) {
  ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadFile(path, size_bytes_max));
  return std::string(AsText(bytes));
}

std::filesystem::path TemporaryPathFor(const std::filesystem::path& path) {
  std::uint64_t random = 0;
  SPOOR_CHECK(::getentropy(&random, sizeof(random)) == 0) << "no random numbers";
  return path.string() + fmt::format(".{:016x}.tmp", random);
}

bool IsTemporaryName(std::string_view name, std::string_view of) {
  constexpr std::string_view kHexDigits = "0123456789abcdef";
  constexpr std::string_view kSuffix = ".tmp";
  constexpr std::size_t kDigits = 16;
  return name.size() == of.size() + 1 + kDigits + kSuffix.size() && name.starts_with(of) &&
         name[of.size()] == '.' && name.ends_with(kSuffix) &&
         name.substr(of.size() + 1, kDigits).find_first_not_of(kHexDigits) == name.npos;
}

Result<> WriteFileAtomically(const std::filesystem::path& path, std::span<const std::byte> bytes,
                             unsigned mode) {
  const std::filesystem::path temporary = TemporaryPathFor(path);
  const auto give_up = [&](Result<> failed) {
    ::unlink(temporary.c_str());
    return failed;
  };
  {
    ASSIGN_OR_RETURN(const FileDescriptor file,
                     OpenFile(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode));
    Result<> written = WriteAll(file.get(), bytes, temporary);
    if (written && ::fsync(file.get()) != 0) {
      written = FailErrno(errno, "{}: cannot sync", temporary.string());
    }
    if (!written) return give_up(written);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    return give_up(FailErrno(errno, "{}: cannot rename to {}", temporary.string(), path.string()));
  }
  return SyncFolder(path.has_parent_path() ? path.parent_path() : ".");
}

Result<> SyncFolder(const std::filesystem::path& folder) {
  ASSIGN_OR_RETURN(const FileDescriptor file, OpenFile(folder, O_RDONLY | O_DIRECTORY));
  if (::fsync(file.get()) != 0) return FailErrno(errno, "{}: cannot sync", folder.string());
  return {};
}

Result<> CreateFolders(const std::filesystem::path& folder) {
  std::filesystem::path made;
  for (const std::filesystem::path& part : folder) {
    made /= part;
    if (part.empty() || ::mkdir(made.c_str(), 0700) == 0) continue;
    const int why = errno;
    std::error_code error;  // a read-only file system says so before it says that it is there
    if (std::filesystem::is_directory(made, error)) continue;
    return FailErrno(why, "{}: cannot create", folder.string());
  }
  return {};
}

Result<FileLock> FileLock::Acquire(const std::filesystem::path& path, Mode mode) {
  ASSIGN_OR_RETURN(FileDescriptor file, OpenFile(path, O_RDWR | O_CREAT));
  return Lock(std::move(file), path, mode);
}

Result<FileLock> FileLock::AcquireFolder(const std::filesystem::path& folder, Mode mode) {
  ASSIGN_OR_RETURN(FileDescriptor file, OpenFile(folder, O_RDONLY | O_DIRECTORY));
  return Lock(std::move(file), folder, mode);
}

Result<FileLock> FileLock::Lock(FileDescriptor file, const std::filesystem::path& path, Mode mode) {
  const int operation = mode == Mode::kTryShared ? LOCK_SH | LOCK_NB
                        : mode == Mode::kTry     ? LOCK_EX | LOCK_NB
                                                 : LOCK_EX;
  while (::flock(file.get(), operation) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) {
      return Fail(ErrorCode::kUnavailable, "{}: held by another process", path.string());
    }
    return FailErrno(errno, "{}: cannot lock", path.string());
  }
  return FileLock(std::move(file));
}

}  // namespace spoor
