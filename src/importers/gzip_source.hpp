// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "event/event_source.hpp"

namespace spoor::importers {

bool LooksLikeGzip(std::string_view first_bytes);

/// What can be read of the beginning of a gzip file, at most 4 KiB.
std::string BeginningOfGzip(std::string_view first_bytes);

/// Hands the bytes to `inner`, or, when the file is gzip (RFC 1952, also several members behind
/// each other), what they are uncompressed. Fails as `inner`. Where the file is cut off, or no gzip
/// any more, what was read before stands and one malformed record is counted; `all_or_nothing`: it
/// fails with kCorrupt.
std::unique_ptr<event::EventSource> MakeGzipSource(std::unique_ptr<event::EventSource> inner,
                                                   bool all_or_nothing = false);

}  // namespace spoor::importers
