// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "base/time.hpp"

namespace spoor {

/// The end of a gap: as FormatWallTime, "an unknown time" for INT64_MAX (nobody saw the end).
inline std::string FormatGapEnd(std::int64_t wall_ns) {
  return wall_ns == std::numeric_limits<std::int64_t>::max() ? "an unknown time"
                                                             : FormatWallTime(wall_ns);
}

}  // namespace spoor
