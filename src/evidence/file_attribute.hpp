// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/result.hpp"

namespace spoor::evidence {

/// What chattr(1) sets: beyond modes and owners, for root too, until somebody with
/// CAP_LINUX_IMMUTABLE takes it off. Such a file can be neither renamed nor removed.
enum class FileAttribute : std::uint8_t {
  kAppendOnly,  ///< +a: bytes can only be added
  kImmutable,   ///< +i: nothing can change
};

/// Fails: kUnavailable (this file system has no such thing, or CAP_LINUX_IMMUTABLE is missing),
/// kIo.
Result<> SetAttribute(const std::filesystem::path& root, const std::filesystem::path& path,
                      FileAttribute attribute);

/// Takes both off, if there; to be called before a rename, a cut or a removal. Does nothing where
/// there can be none. Fails: kUnavailable (no CAP_LINUX_IMMUTABLE), kNotFound, kIo.
Result<> ClearAttributes(const std::filesystem::path& root, const std::filesystem::path& path);

}  // namespace spoor::evidence
