// SPDX-License-Identifier: Apache-2.0
// Numbers of TCP go round: they are compared by the sign of their difference (RFC 9293, 3.4).
#include "packets/sequence_tracker.hpp"

#include <algorithm>

namespace spoor::packets {
namespace {

// A jump that is larger is no lost segment: windows are at most 2^30 (RFC 7323).
constexpr std::int32_t kJumpMax = 1 << 30;

std::int32_t Distance(std::uint32_t from, std::uint32_t to) {
  return static_cast<std::int32_t>(to - from);
}

}  // namespace

void SequenceTracker::AddHole(Hole hole) {
  if (hole_count_ == kHolesMax) {  // the oldest is taken to be lost for good
    std::rotate(holes_.begin(), holes_.begin() + 1, holes_.end());
    --hole_count_;
  }
  holes_[hole_count_++] = hole;
}

std::uint32_t SequenceTracker::Take(std::uint32_t begin, std::uint32_t size) {
  if (size == 0) return 0;
  const std::uint32_t end = begin + size;
  const std::int32_t ahead = Distance(next_, begin);
  if (ahead >= 0) {
    if (ahead > kJumpMax) {
      hole_count_ = 0;
    } else if (ahead > 0) {
      AddHole({.begin = next_, .end = begin});
    }
    next_ = end;
    return size;
  }
  std::uint32_t fresh = 0;
  for (std::size_t index = 0; index < hole_count_;) {
    Hole& hole = holes_[index];
    const std::uint32_t from = Distance(hole.begin, begin) > 0 ? begin : hole.begin;
    const std::uint32_t until = Distance(hole.end, end) < 0 ? end : hole.end;
    if (Distance(from, until) <= 0) {
      ++index;
      continue;
    }
    fresh += until - from;
    const Hole before{.begin = hole.begin, .end = from};
    const Hole after{.begin = until, .end = hole.end};
    const bool has_before = before.begin != before.end, has_after = after.begin != after.end;
    if (has_before && has_after) {
      hole = before;
      AddHole(after);
      return fresh;  // the segment lies in this hole whole
    }
    if (has_before || has_after) {
      hole = has_before ? before : after;
      ++index;
      continue;
    }
    std::copy(holes_.begin() + static_cast<std::ptrdiff_t>(index) + 1, holes_.begin() + hole_count_,
              holes_.begin() + static_cast<std::ptrdiff_t>(index));
    --hole_count_;
  }
  if (Distance(next_, end) > 0) {
    fresh += end - next_;
    next_ = end;
  }
  return fresh;
}

}  // namespace spoor::packets
