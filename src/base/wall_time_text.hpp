// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

/// Times as people read them. Years outside of kYearMin to kYearMax stand for an end that is not
/// known.
namespace spoor {

inline constexpr int kYearMin = 1678;
inline constexpr int kYearMax = 2261;

/// FormatWallTime, or "open" or "beginning". ParseWallTime reads it.
std::string WallTimeText(std::int64_t wall_ns);

/// "from … to …": the same of a span.
std::string WallSpanText(std::int64_t from_wall_ns, std::int64_t until_wall_ns);

}  // namespace spoor
