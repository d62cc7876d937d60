// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/saturating.hpp"
#include "event/number_range.hpp"

namespace spoor::ingest {

/// A moment on both clocks of a host.
struct Moment {
  std::uint64_t boot_ns = 0;
  std::int64_t wall_ns = 0;
};

/// The wall time of `boot_ns` as the clocks stood to each other at `known`; the nearest possible
/// one (event/number_range.hpp) where they say nonsense.
inline std::int64_t WallTimeAt(std::uint64_t boot_ns, const Moment& known) {
  const std::int64_t wall_minus_boot_ns =
      SaturatingSub(known.wall_ns, Saturated<std::int64_t>(known.boot_ns));
  return event::NearestPossibleWallTime(
      SaturatingAdd(wall_minus_boot_ns, Saturated<std::int64_t>(boot_ns)));
}

}  // namespace spoor::ingest
