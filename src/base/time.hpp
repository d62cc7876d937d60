// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace spoor {

/// Wall clock: nanoseconds since the Unix epoch, UTC.
std::int64_t WallNow();
/// Boot clock (CLOCK_BOOTTIME): nanoseconds since the machine started, suspend included.
std::uint64_t BootNow();

/// RFC 3339 with nanoseconds and Z: "2026-11-21T20:31:35.000000001Z". Values outside the years
/// 1678 to 2262 cannot occur in 64 bits.
std::string FormatWallTime(std::int64_t wall_ns);

/// RFC 3339 ("2026-11-21T20:31:35.5Z", "…+01:00", a space in place of T, date alone) or a time
/// before now ("-15m", "-1d"), "now", "open", "beginning", ns since 1970. Fails: kInvalidArgument.
Result<std::int64_t> ParseWallTime(std::string_view text, std::int64_t now_wall_ns);

/// "500ms", "15s", "2m", "1h30m", "1d"; a bare number is seconds. Fails: kInvalidArgument.
Result<std::int64_t> ParseDuration(std::string_view text);

}  // namespace spoor
