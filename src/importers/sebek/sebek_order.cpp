// SPDX-License-Identifier: Apache-2.0
#include "importers/sebek/sebek_order.hpp"

#include <algorithm>
#include <utility>

#include "base/stable_id.hpp"

namespace spoor::importers {
namespace {

constexpr std::int32_t kLateMax = 1024;
constexpr std::int64_t kLateNs = 1'000'000'000;

/// Tells a record that came twice from another one with the same counter.
std::uint64_t DigestOf(const HeldRecord& held) {
  const SebekRecord& record = held.record;
  return static_cast<std::uint64_t>(StableIdBuilder("sebek record")
                                        .Add(static_cast<std::uint64_t>(record.wall_ns))
                                        .Add(std::uint64_t{record.pid})
                                        .Add(static_cast<std::uint64_t>(record.type))
                                        .Add(held.data)
                                        .Build());
}

}  // namespace

void SebekOrder::Take(HeldRecord held, const Visit& visit) {
  const std::uint32_t counter = held.record.counter;
  const std::uint64_t digest = DigestOf(held);
  if (const auto known = known_.find(counter); known != known_.end() && known->second == digest) {
    return;  // it came twice
  }
  // Counters turn around after 2^32.
  const auto ahead = static_cast<std::int32_t>(counter - next_);
  bool behind = begun_ && ahead < 0;
  // A record that is late is not much later than those that overtook it.
  const std::int64_t margin_ns = ahead > -kLateMax ? kLateNs : 0;
  if (behind && held.record.wall_ns - last_wall_ns_ > margin_ns) {
    Pass(0, visit);
    known_.clear();
    begun_ = behind = false;
  }
  if (!begun_) {
    begun_ = true;
    next_ = base_ = counter;
    last_wall_ns_ = held.record.wall_ns;
  }
  if (known_.size() >= kKnownMax)
    known_.erase(counter < known_.begin()->first ? std::prev(known_.end()) : known_.begin());
  known_[counter] = digest;
  // One that was given up for lost, or that came before the first one that was captured.
  if (behind) return visit.record(held);
  if (waiting_.empty()) base_ = next_;
  waiting_.insert_or_assign(counter - base_, std::move(held));
  Pass(kWaitingMax, visit);
}

void SebekOrder::Pass(std::size_t keep_count, const Visit& visit) {
  while (!waiting_.empty()) {
    const std::uint32_t counter = base_ + waiting_.begin()->first;
    if (counter != next_) {
      if (waiting_.size() <= keep_count) return;
      const std::int64_t until_wall_ns = waiting_.begin()->second.record.wall_ns;
      visit.loss({.count = counter - next_,
                  .first_counter = next_,
                  .from_wall_ns = std::min(last_wall_ns_, until_wall_ns),
                  .until_wall_ns = until_wall_ns});
    }
    const HeldRecord held = std::move(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    next_ = counter + 1;
    last_wall_ns_ = std::max(last_wall_ns_, held.record.wall_ns);
    visit.record(held);
  }
}

void SebekOrder::Finish(const Visit& visit) {
  Pass(0, visit);
}

}  // namespace spoor::importers
