// SPDX-License-Identifier: Apache-2.0
#include "evidence/file_attribute.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include <cerrno>

#include "base/inside.hpp"

namespace spoor::evidence {
namespace {

constexpr int kOurs = FS_APPEND_FL | FS_IMMUTABLE_FL;

Result<> Change(const FileDescriptor& file, const std::filesystem::path& path, int flags) {
  if (::ioctl(file.get(), FS_IOC_SETFLAGS, &flags) == 0) return {};
  const int why = errno;
  const bool refused = why == EPERM || why == ENOTTY || why == EOPNOTSUPP;
  return Fail(refused ? ErrorCode::kUnavailable : ErrorCode::kIo,
              "{}: cannot change its append-only or immutable attribute: {}{}", path.string(),
              ErrnoText(why), why == EPERM ? " (CAP_LINUX_IMMUTABLE)" : "");
}

}  // namespace

Result<> SetAttribute(const std::filesystem::path& root, const std::filesystem::path& path,
                      FileAttribute attribute) {
  ASSIGN_OR_RETURN(const FileDescriptor file, OpenInside(root, path, O_RDONLY));
  int flags = 0;
  if (::ioctl(file.get(), FS_IOC_GETFLAGS, &flags) != 0) {
    return Fail(ErrorCode::kUnavailable,
                "{}: its file system has no append-only or immutable attribute", path.string());
  }
  const int wanted = attribute == FileAttribute::kAppendOnly ? FS_APPEND_FL : FS_IMMUTABLE_FL;
  return Change(file, path, (flags & ~kOurs) | wanted);
}

Result<> ClearAttributes(const std::filesystem::path& root, const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const FileDescriptor file, OpenInside(root, path, O_RDONLY));
  int flags = 0;
  if (::ioctl(file.get(), FS_IOC_GETFLAGS, &flags) != 0 || (flags & kOurs) == 0) return {};
  return Change(file, path, flags & ~kOurs);
}

}  // namespace spoor::evidence
