// SPDX-License-Identifier: Apache-2.0
#include "collector/quota.hpp"

#include <algorithm>

#include "wire/seal_frame.hpp"

namespace spoor::collector {
namespace {

constexpr std::int64_t kDayNs = 86'400LL * 1'000'000'000;
constexpr std::int64_t kDebtNsMax =
    static_cast<std::int64_t>(wire::kFrameBytesMax) * (kDayNs / Quota::kBytesPerDayMin);

}  // namespace

std::int64_t Quota::WaitNs(const std::string& sensor, std::int64_t now_wall_ns) {
  const auto found = full_at_wall_ns_.find(sensor);
  if (bytes_per_day_ == 0 || found == full_at_wall_ns_.end()) return 0;
  // An empty bucket is full in a day, and one frame below empty soon after. Later than that it is
  // only where the clock was put back.
  found->second = std::min(found->second, now_wall_ns + kDayNs + kDebtNsMax);
  return std::max<std::int64_t>(found->second - now_wall_ns - kDayNs, 0);
}

void Quota::Charge(const std::string& sensor, std::uint64_t size_bytes, std::int64_t now_wall_ns) {
  if (bytes_per_day_ == 0) return;
  std::int64_t& full_at_wall_ns = full_at_wall_ns_[sensor];
  const double share = static_cast<double>(size_bytes) / static_cast<double>(bytes_per_day_);
  full_at_wall_ns = std::clamp(full_at_wall_ns, now_wall_ns, now_wall_ns + kDayNs) +
                    static_cast<std::int64_t>(share * static_cast<double>(kDayNs));
}

}  // namespace spoor::collector
