// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

namespace spoor::sensor {

/// How soon after something urgent the next may be sealed. A batch of its own costs about a tenth
/// of a millisecond here and an entry of the log there: a few come as fast as they happen, a storm
/// of them less than two hundred times a second.
class UrgentPace {
 public:
  static constexpr int kFirstIntervalMs = 2;  ///< as the kernel half's URGENT_INTERVAL_NS
  static constexpr int kStormIntervalMs = 10;
  static constexpr int kAllowedAtOnce = 32;  ///< short intervals, after a quiet time

  /// `now_boot_ns` never goes back.
  int IntervalMs(std::uint64_t now_boot_ns) {
    allowance_ns_ = std::min(allowance_ns_ + (now_boot_ns - last_boot_ns_), kAllowanceNsMax);
    last_boot_ns_ = now_boot_ns;
    if (allowance_ns_ < kCostNs) return kStormIntervalMs;
    allowance_ns_ -= kCostNs;
    return kFirstIntervalMs;
  }

 private:
  static constexpr std::uint64_t kCostNs = kStormIntervalMs * 1'000'000ULL;
  static constexpr std::uint64_t kAllowanceNsMax = kAllowedAtOnce * kCostNs;
  std::uint64_t allowance_ns_ = kAllowanceNsMax;
  std::uint64_t last_boot_ns_ = 0;
};

}  // namespace spoor::sensor
