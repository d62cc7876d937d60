// SPDX-License-Identifier: Apache-2.0
#include "ingest/range_door.hpp"

#include <algorithm>

#include "event/number_range.hpp"
#include "schema/loss_class.hpp"

namespace spoor::ingest {

using event::Event;

RangeDoor::Boot& RangeDoor::BootOf(const Event& event) {
  if (last_ == nullptr || last_->first.first != event.host ||
      last_->first.second != event.boot_id) {
    last_ = &*boots_.try_emplace({event.host, event.boot_id}).first;
  }
  return last_->second;
}

const Event& RangeDoor::Admit(const Event& event) {
  Boot& boot = BootOf(event);
  if (event::IsPossibleBootTime(event.end_boot_ns) && event::IsPossibleWallTime(event.wall_ns)) {
    boot.has_clock = true;
    boot.last_boot_ns = event.end_boot_ns;
    boot.wall_minus_boot_ns = event.wall_ns - static_cast<std::int64_t>(event.end_boot_ns);
  }
  if (event::IsInRange(event)) return event;
  mended_ = event;
  if (!boot.has_clock) {
    // No clock is known yet: a wall time from this event alone would be made up.
    mended_.wall_ns = event::NearestPossibleWallTime(mended_.wall_ns);
  }
  event::BringIntoRange(boot.last_boot_ns, boot.wall_minus_boot_ns, mended_);
  Count(mended_, boot);
  return mended_;
}

void RangeDoor::Count(const Event& event, Boot& boot) {
  const bool first = boot.malformed_count++ == 0;
  boot.from_boot_ns = first ? event.end_boot_ns : std::min(boot.from_boot_ns, event.end_boot_ns);
  boot.until_boot_ns = first ? event.end_boot_ns : std::max(boot.until_boot_ns, event.end_boot_ns);
  boot.from_wall_ns = first ? event.wall_ns : std::min(boot.from_wall_ns, event.wall_ns);
  boot.until_wall_ns = first ? event.wall_ns : std::max(boot.until_wall_ns, event.wall_ns);
}

void RangeDoor::WriteGaps(const std::string& recording_id, store::SegmentWriter& rows) {
  for (auto& [key, boot] : boots_) {
    if (boot.malformed_count == 0) continue;
    rows.Append(schema::GapRow{
        .host_id = key.first.empty() ? std::nullopt : std::optional(event::HostId(key.first)),
        .recording_id = recording_id,
        .from_boot_ns = schema::AtMostMax(boot.from_boot_ns),
        .until_boot_ns = schema::AtMostMax(boot.until_boot_ns),
        .from_wall_ns = boot.from_wall_ns,
        .until_wall_ns = boot.until_wall_ns,
        .loss_class = schema::LossClassName(schema::LossClass::kMalformed),
        .count = schema::AtMostMax(boot.malformed_count),
        .reason = "events with numbers that cannot be; they are kept, with the nearest that can be",
    });
    boot.malformed_count = 0;
  }
}

}  // namespace spoor::ingest
