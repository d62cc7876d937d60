// SPDX-License-Identifier: Apache-2.0
#include "api/audit_trail.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "api/json.hpp"
#include "base/time.hpp"
#include "store/sha256.hpp"

namespace spoor::api {
namespace {

constexpr off_t kLineBytesMax = 16 << 10;

std::string Sha256Of(std::string_view line) {
  store::Sha256Stream digester;
  digester.Add(AsBytes(line));
  return digester.Finish();
}

/// The last line of the file, without its line feed; empty: none.
Result<std::string> LastLine(int fd, const std::filesystem::path& path) {
  const off_t size = ::lseek(fd, 0, SEEK_END);
  if (size <= 0) return std::string();
  const off_t from = std::max<off_t>(0, size - kLineBytesMax);
  std::string tail(static_cast<std::size_t>(size - from), '\0');
  if (::pread(fd, tail.data(), tail.size(), from) != static_cast<ssize_t>(tail.size())) {
    return FailErrno(errno, "{}: cannot read", path.string());
  }
  // A line that a kill cut off stays where it is; the next begins on a line of its own.
  if (tail.back() != '\n') return tail.substr(tail.rfind('\n') + 1);
  tail.pop_back();
  return tail.substr(tail.rfind('\n') + 1);
}

}  // namespace

Result<std::unique_ptr<AuditTrail>> AuditTrail::Open(const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(FileDescriptor opened, OpenFile(file, O_RDWR | O_CREAT | O_APPEND, 0600));
  ASSIGN_OR_RETURN(const std::string last, LastLine(opened.get(), file));
  char end = '\n';
  const off_t size = ::lseek(opened.get(), 0, SEEK_END);
  if (size > 0 && ::pread(opened.get(), &end, 1, size - 1) == 1 && end != '\n') {
    RETURN_IF_ERROR(WriteAll(opened.get(), AsBytes("\n"), file));
  }
  return std::unique_ptr<AuditTrail>(
      new AuditTrail(file, std::move(opened), last.empty() ? "" : Sha256Of(last)));
}

Result<> AuditTrail::Add(const Entry& entry) {
  const std::scoped_lock lock(mutex_);
  const std::string line = Dump({{"wall_ns", WallNow()},
                                 {"user", Utf8(entry.user)},
                                 {"address", entry.address},
                                 {"method", entry.method},
                                 {"target", Utf8(entry.target)},
                                 {"status", entry.status},
                                 {"previous_sha256", last_sha256_}});
  RETURN_IF_ERROR(WriteAll(file_.get(), AsBytes(line + "\n"), path_));
  last_sha256_ = Sha256Of(line);
  return {};
}

}  // namespace spoor::api
