// SPDX-License-Identifier: Apache-2.0
#include "base/file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

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

Result<std::vector<std::byte>> ReadFile(const std::filesystem::path& path,
                                        std::uint64_t size_bytes_max) {
  ASSIGN_OR_RETURN(const FileDescriptor file, OpenFile(path, O_RDONLY));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return FailErrno(errno, "{}: cannot stat", path.string());
  if (S_ISDIR(status.st_mode)) return Fail(ErrorCode::kIo, "{}: is a folder", path.string());
  std::vector<std::byte> bytes(
      std::min<std::uint64_t>(static_cast<std::uint64_t>(status.st_size), size_bytes_max));
  std::size_t filled = 0;
  for (;;) {
    // One byte more than the file said, so that a growing file is noticed.
    if (filled == bytes.size()) bytes.resize(filled + 4096);
    const ssize_t got = ::read(file.get(), bytes.data() + filled, bytes.size() - filled);
    if (got < 0) {
      if (errno == EINTR) continue;
      return FailErrno(errno, "{}: cannot read", path.string());
    }
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
    if (filled > size_bytes_max) {
      return Fail(ErrorCode::kCorrupt, "{}: larger than {} bytes", path.string(), size_bytes_max);
    }
  }
  bytes.resize(filled);
  return bytes;
}

Result<std::string> ReadTextFile(const std::filesystem::path& path, std::uint64_t size_bytes_max) {
  ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadFile(path, size_bytes_max));
  return std::string(AsText(bytes));
}

Result<> WriteFileAtomically(const std::filesystem::path& path, std::span<const std::byte> bytes,
                             unsigned mode) {
  const std::filesystem::path temporary = path.string() + ".tmp";
  {
    ASSIGN_OR_RETURN(const FileDescriptor file,
                     OpenFile(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode));
    RETURN_IF_ERROR(WriteAll(file.get(), bytes, temporary));
    if (::fsync(file.get()) != 0) return FailErrno(errno, "{}: cannot sync", temporary.string());
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    return FailErrno(errno, "{}: cannot rename to {}", temporary.string(), path.string());
  }
  return SyncFolder(path.has_parent_path() ? path.parent_path() : ".");
}

Result<> SyncFolder(const std::filesystem::path& folder) {
  ASSIGN_OR_RETURN(const FileDescriptor file, OpenFile(folder, O_RDONLY | O_DIRECTORY));
  if (::fsync(file.get()) != 0) return FailErrno(errno, "{}: cannot sync", folder.string());
  return {};
}

Result<> CreateFolders(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return Fail(ErrorCode::kIo, "{}: cannot create: {}", folder.string(), error.message());
  return {};
}

Result<FileLock> FileLock::Acquire(const std::filesystem::path& path, Mode mode) {
  ASSIGN_OR_RETURN(FileDescriptor file, OpenFile(path, O_RDWR | O_CREAT, 0644));
  return Lock(std::move(file), path, mode);
}

Result<FileLock> FileLock::AcquireFolder(const std::filesystem::path& folder, Mode mode) {
  ASSIGN_OR_RETURN(FileDescriptor file, OpenFile(folder, O_RDONLY | O_DIRECTORY));
  return Lock(std::move(file), folder, mode);
}

Result<FileLock> FileLock::Lock(FileDescriptor file, const std::filesystem::path& path, Mode mode) {
  while (::flock(file.get(), LOCK_EX | (mode == Mode::kTry ? LOCK_NB : 0)) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) {
      return Fail(ErrorCode::kUnavailable, "{}: held by another process", path.string());
    }
    return FailErrno(errno, "{}: cannot lock", path.string());
  }
  return FileLock(std::move(file));
}

}  // namespace spoor
