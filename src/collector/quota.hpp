// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace spoor::collector {

/// How much each sensor may still add: a bucket of one day's bytes, which fills up again in a day.
/// So it is at most twice the quota in any 24 hours, and the quota a day in the long run.
/// Not thread-safe.
class Quota {
 public:
  /// Less would be used up by a few frames.
  static constexpr std::uint64_t kBytesPerDayMin = 1 << 20;

  /// At least kBytesPerDayMin; 0: no limit.
  explicit Quota(std::uint64_t bytes_per_day) : bytes_per_day_(bytes_per_day) {}

  std::uint64_t bytes_per_day() const { return bytes_per_day_; }
  /// 0: `sensor` may add a frame, which may be larger than what is left. Else how long it must
  /// wait, in ns.
  std::int64_t WaitNs(const std::string& sensor, std::int64_t now_wall_ns);
  /// It added so many bytes.
  void Charge(const std::string& sensor, std::uint64_t size_bytes, std::int64_t now_wall_ns);

 private:
  std::uint64_t bytes_per_day_;
  std::map<std::string, std::int64_t> full_at_wall_ns_;  ///< when the bucket is full again
};

}  // namespace spoor::collector
