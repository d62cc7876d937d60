// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "event/event.hpp"

/// What numbers of an event can be. Wider than anything that happens, and narrow enough that any
/// sum of a boot time and a difference of two clocks fits the 64 bits of the tables.
namespace spoor::event {

inline constexpr std::uint64_t kBootNsMax = (std::uint64_t{1} << 62) - 1;  ///< 146 years
inline constexpr std::int64_t kWallNsMin = -(std::int64_t{1} << 62);       ///< 1823-11-12
inline constexpr std::int64_t kWallNsMax = (std::int64_t{1} << 62) - 1;    ///< 2116-02-20
/// Sizes and counts of what was moved or lost.
inline constexpr std::uint64_t kCountMax = (std::uint64_t{1} << 62) - 1;
inline constexpr std::int64_t kResultMin = -kWallNsMax;

bool IsPossibleBootTime(std::uint64_t boot_ns);
bool IsPossibleWallTime(std::int64_t wall_ns);
std::int64_t NearestPossibleWallTime(std::int64_t wall_ns);

/// Whether all numbers of `event` that are calculated with are in their range. Bit patterns (flags,
/// value, capabilities) and parts of keys (inode, generation, instance) can be anything.
bool IsInRange(const Event& event);

/// Puts each number that is out of its range at the nearest end of it, but for the times of the
/// event itself: an impossible end_boot_ns becomes `before_boot_ns`, the time of the event before
/// it, and an impossible wall_ns becomes end_boot_ns + `wall_minus_boot_ns`. Both must be of
/// possible times.
void BringIntoRange(std::uint64_t before_boot_ns, std::int64_t wall_minus_boot_ns, Event& event);

}  // namespace spoor::event
