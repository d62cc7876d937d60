// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "wire/seal_frame.hpp"

/// Canaries: system calls that the sensor has done at times and with names that only the holders of
/// the chain's first key can tell in advance, so that a collector sees whether what happens on the
/// host still reaches it. Reasoning and layout: docs/formats/sealing.md.
namespace spoor::wire {

/// Which nothing is below: every canary's call is refused.
inline constexpr std::string_view kCanaryFolder = "/run/spoor-canary/";
inline constexpr std::size_t kCanaryTokenBytes = 32;  ///< hexadecimal digits
inline constexpr std::uint64_t kCanaryIntervalMsMin = 200;
inline constexpr std::uint64_t kCanaryIntervalMsMax = 3'600'000;

struct Canary {
  std::uint64_t number = 0;       ///< from 0
  std::uint64_t due_boot_ns = 0;  ///< CLOCK_BOOTTIME of the host
  std::string token;              ///< what its path ends with
};

/// A chain's canaries, one after the other. Holds a key from which no other follows.
class CanarySchedule {
 public:
  /// `opened_boot_ns`: of the open frame. Between two canaries lie half to one and a half
  /// `interval_ns`, evenly spread.
  CanarySchedule(const FrameKey& first_key, std::uint64_t opened_boot_ns,
                 std::uint64_t interval_ns);
  const Canary& next() const { return next_; }
  void Advance();

 private:
  void Draw();

  FrameKey key_;
  std::uint64_t interval_ns_;
  Canary next_;
};

}  // namespace spoor::wire
