// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace spoor {

/// An owned file descriptor; closed on destruction.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() { Reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  void Reset();

 private:
  int fd_ = -1;
};

/// Opens with O_CLOEXEC added, over links, whatever it is: for files that the user names. Files of
/// a store: inside.hpp. Fails: kNotFound (ENOENT), kIo (anything else).
Result<FileDescriptor> OpenFile(const std::filesystem::path& path, int flags, unsigned mode = 0600);

/// Writes all of `bytes` at the file position, resuming after short writes and EINTR.
/// `name` is only for the error message. Fails: kIo.
Result<> WriteAll(int fd, std::span<const std::byte> bytes, const std::filesystem::path& name);

/// What is left to read of an open file. Refuses more than `size_bytes_max` with kCorrupt. `name`
/// is only for the error message.
Result<std::vector<std::byte>> ReadAll(int fd, const std::filesystem::path& name,
                                       std::uint64_t size_bytes_max);

/// The whole file. Refuses files above `size_bytes_max` with kCorrupt.
Result<std::vector<std::byte>> ReadFile(const std::filesystem::path& path,
                                        std::uint64_t size_bytes_max);
Result<std::string> ReadTextFile(const std::filesystem::path& path, std::uint64_t size_bytes_max);

/// Replaces `path` so that after a crash it holds either the old or the new bytes, never a mixture:
/// temporary file in the same folder, fsync, rename, fsync of the folder. The umask is taken off
/// `mode`.
Result<> WriteFileAtomically(const std::filesystem::path& path, std::span<const std::byte> bytes,
                             unsigned mode = 0644);

/// A name beside `path` that nobody can foresee: "NAME.0123456789abcdef.tmp".
std::filesystem::path TemporaryPathFor(const std::filesystem::path& path);
/// Whether `name` is what TemporaryPathFor gives for a file of the name `of`.
bool IsTemporaryName(std::string_view name, std::string_view of);

/// Makes names created in or removed from `folder` durable.
Result<> SyncFolder(const std::filesystem::path& folder);

/// Makes the folder and those above it that are missing, for their owner alone (0700).
Result<> CreateFolders(const std::filesystem::path& folder);

/// An advisory lock on `path` (created if missing), held until destruction.
class FileLock {
 public:
  /// kTryShared: beside others that share it, but not beside one who holds it alone.
  enum class Mode { kWait, kTry, kTryShared };
  /// Fails: kUnavailable when kTry or kTryShared finds it held by another process; kIo.
  static Result<FileLock> Acquire(const std::filesystem::path& path, Mode mode);
  /// The same on a file or folder that is open already. `path` is only for the error message.
  static Result<FileLock> Lock(FileDescriptor file, const std::filesystem::path& path, Mode mode);
  /// The same on an existing folder itself, which then needs no lock file.
  static Result<FileLock> AcquireFolder(const std::filesystem::path& folder, Mode mode);
  /// What is locked.
  const FileDescriptor& file() const { return fd_; }

 private:
  explicit FileLock(FileDescriptor fd) : fd_(std::move(fd)) {}
  FileDescriptor fd_;
};

inline std::span<const std::byte> AsBytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
inline std::string_view AsText(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace spoor
