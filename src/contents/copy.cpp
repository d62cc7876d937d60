// SPDX-License-Identifier: Apache-2.0
#include "contents/copy.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/file.hpp"
#include "store/sha256.hpp"

namespace spoor::contents {
namespace {

constexpr std::size_t kPartBytes = 1 << 18;

}  // namespace

Result<> ReadImage(const Image& image, const Journal& journal, std::int64_t from_bytes,
                   std::int64_t until_bytes, const TakePart& take) {
  std::string part;
  for (const Extent& extent : image.Extents()) {
    const std::int64_t end = std::min(extent.until_bytes, until_bytes);
    std::int64_t at = std::max(extent.from_bytes, from_bytes);
    if (at < end && extent.content != Content::kBytes) {
      if (!take({.from_bytes = at, .until_bytes = end, .content = extent.content}, {})) return {};
      continue;
    }
    while (at < end) {
      part.resize(static_cast<std::size_t>(
          std::min<std::int64_t>(end - at, static_cast<std::int64_t>(kPartBytes))));
      const std::int64_t journal_at = extent.journal_at + (at - extent.from_bytes);
      RETURN_IF_ERROR(
          journal.Read(journal_at, std::as_writable_bytes(std::span(part.data(), part.size()))));
      const auto size = static_cast<std::int64_t>(part.size());
      if (!take({.from_bytes = at,
                 .until_bytes = at + size,
                 .content = extent.content,
                 .journal_at = journal_at},
                part)) {
        return {};
      }
      at += size;
    }
  }
  return {};
}

Result<std::string> Sha256Of(const Image& image, const Journal& journal) {
  if (!image.IsWhole() || image.size_bytes() > kHashedBytesMax) return std::string();
  static constexpr std::array<std::byte, kPartBytes> kNothing{};
  store::Sha256Stream hash;
  RETURN_IF_ERROR(ReadImage(
      image, journal, 0, image.size_bytes(), [&](const Extent& extent, std::string_view bytes) {
        hash.Add(AsBytes(bytes));
        if (!bytes.empty()) return true;
        for (auto left = static_cast<std::size_t>(extent.size_bytes()); left > 0;) {
          const std::size_t size = std::min(left, kNothing.size());
          hash.Add(std::span(kNothing).first(size));
          left -= size;
        }
        return true;
      }));
  return hash.Finish();
}

Result<> WriteImage(const Image& image, const Journal& journal, int fd, const std::string& name) {
  int why = 0;
  RETURN_IF_ERROR(ReadImage(
      image, journal, 0, image.size_bytes(), [&](const Extent& extent, std::string_view bytes) {
        std::int64_t at = extent.from_bytes;
        while (!bytes.empty()) {
          const ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), at);
          if (written < 0 && errno == EINTR) continue;
          if (written < 0) {
            why = errno;
            return false;
          }
          at += written;
          bytes.remove_prefix(static_cast<std::size_t>(written));
        }
        return true;
      }));
  if (why == 0 && ::ftruncate(fd, image.size_bytes()) != 0) why = errno;
  if (why != 0) return FailErrno(why, "{}: cannot write", name);
  return {};
}

Result<std::string> BeginOf(const Image& image, const Journal& journal, std::size_t bytes_max) {
  std::string begin;
  RETURN_IF_ERROR(ReadImage(image, journal, 0, static_cast<std::int64_t>(bytes_max),
                            [&](const Extent& extent, std::string_view bytes) {
                              if (IsHole(extent.content)) return false;
                              begin += bytes;
                              if (bytes.empty()) {
                                begin.append(static_cast<std::size_t>(extent.size_bytes()), '\0');
                              }
                              return true;
                            }));
  return begin;
}

}  // namespace spoor::contents
