// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "event/event_source.hpp"

namespace spoor::importers {

/// Whether a file that begins so is compressed in a way that is undone: gzip, bzip2, xz, zstd.
bool LooksCompressed(std::string_view first_bytes);

/// What a compressed file begins with, uncompressed, as far as `first_bytes` tell: at most 4 KiB.
std::string BeginningOfCompressed(std::string_view first_bytes);

/// Of so many bytes of a compressed file, the beginning of what is in it can be told.
inline constexpr std::size_t kCompressedBeginningBytes = 1 << 20;

/// Hands the bytes to `inner`, or, when the file is compressed (gzip, bzip2, xz and zstd, also
/// several members behind each other), what they are uncompressed. Fails as `inner`. Where the file
/// is cut off, broken, needs more than 128 MiB to be undone, or holds a thousand times what it
/// takes (and more than 64 MiB), what was read before stands and one malformed record is counted;
/// `all_or_nothing`: it fails with kCorrupt.
std::unique_ptr<event::EventSource> MakeCompressedSource(std::unique_ptr<event::EventSource> inner,
                                                         bool all_or_nothing = false);

}  // namespace spoor::importers
