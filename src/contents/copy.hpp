// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "contents/history.hpp"
#include "contents/image.hpp"

namespace spoor::contents {

/// Hands on known bytes from `from_bytes` to before `until_bytes`, part by part with where they
/// are, and of what lies between only where it is: `bytes` is empty for zeros and holes. `take`
/// returns false to end it. Fails as Journal::Read.
using TakePart = std::function<bool(const Extent& extent, std::string_view bytes)>;
Result<> ReadImage(const Image& image, const Journal& journal, std::int64_t from_bytes,
                   std::int64_t until_bytes, const TakePart& take);

/// Longer files are not hashed: zeros that nobody wrote make a file of any length.
inline constexpr std::int64_t kHashedBytesMax = std::int64_t{64} << 30;

/// SHA-256 as 64 hex digits of an image that is whole; else, or above kHashedBytesMax, empty.
Result<std::string> Sha256Of(const Image& image, const Journal& journal);

/// Writes the image into an empty file: what is not known, and zeros, are places where nothing is
/// written. Fails: kIo (`name` is for its message).
Result<> WriteImage(const Image& image, const Journal& journal, int fd, const std::string& name);

/// The known bytes that the file begins with, at most `bytes_max`.
Result<std::string> BeginOf(const Image& image, const Journal& journal, std::size_t bytes_max);

}  // namespace spoor::contents
