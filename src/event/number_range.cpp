// SPDX-License-Identifier: Apache-2.0
#include "event/number_range.hpp"

#include <algorithm>

#include "base/saturating.hpp"

namespace spoor::event {
namespace {

/// Calls `see(number, max)` for all numbers of `event` that range from 0 to a maximum, but for its
/// own end_boot_ns. `AnEvent`: const or not.
template <typename AnEvent, typename See>
void ForEachNumber(AnEvent& event, See&& see) {
  see(event.begin_boot_ns, kBootNsMax);
  see(event.process.start_boot_ns, kBootNsMax);
  if (event.other_process) see(event.other_process->start_boot_ns, kBootNsMax);
  if (event.parent_process) see(event.parent_process->start_boot_ns, kBootNsMax);
  see(event.size_bytes, kCountMax);
  if (!event.loss) return;
  see(event.loss->count, kCountMax);
  see(event.loss->from_boot_ns, kBootNsMax);
}

}  // namespace

bool IsPossibleBootTime(std::uint64_t boot_ns) {
  return boot_ns <= kBootNsMax;
}

bool IsPossibleWallTime(std::int64_t wall_ns) {
  return wall_ns >= kWallNsMin && wall_ns <= kWallNsMax;
}

std::int64_t NearestPossibleWallTime(std::int64_t wall_ns) {
  return std::clamp(wall_ns, kWallNsMin, kWallNsMax);
}

bool IsInRange(const Event& event) {
  bool in_range = IsPossibleBootTime(event.end_boot_ns) && IsPossibleWallTime(event.wall_ns) &&
                  event.result >= kResultMin && event.offset_bytes <= kWallNsMax;
  ForEachNumber(event, [&](std::uint64_t number, std::uint64_t max) {
    in_range = in_range && number <= max;
  });
  return in_range;
}

void BringIntoRange(std::uint64_t before_boot_ns, std::int64_t wall_minus_boot_ns, Event& event) {
  if (!IsPossibleBootTime(event.end_boot_ns)) event.end_boot_ns = before_boot_ns;
  if (!IsPossibleWallTime(event.wall_ns)) {
    event.wall_ns = NearestPossibleWallTime(
        SaturatingAdd(static_cast<std::int64_t>(event.end_boot_ns), wall_minus_boot_ns));
  }
  event.result = std::max(event.result, kResultMin);
  event.offset_bytes = std::min(event.offset_bytes, kWallNsMax);
  ForEachNumber(event,
                [](std::uint64_t& number, std::uint64_t max) { number = std::min(number, max); });
}

}  // namespace spoor::event
