// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace spoor::sensor {

/// What is captured beyond metadata, and at what cost: a profile, changed by a file
/// (docs/policy.md).
struct Policy {
  std::string profile = "production";
  std::uint32_t terminal_payload_bytes_max = 0;  ///< per call; 0: none
  std::uint32_t payload_bytes_max = 0;           ///< per call on other descriptors; 0: none
  std::uint64_t payload_bytes_per_second = 0;    ///< budget of the latter, whole machine
  std::size_t ring_bytes = 16 << 20;             ///< between kernel and user space; a power of two
  std::uint32_t seal_interval_ms = 200;          ///< how long what is not urgent may stay unsealed
  std::uint32_t canary_interval_ms = 20'000;     ///< where they can be made; 0: none
};

/// "production" or "honeypot". Fails: kInvalidArgument.
Result<Policy> PolicyOfProfile(std::string_view profile);

/// `base` with what the YAML text says instead; its `profile:` key replaces `base` first.
/// Fails: kInvalidArgument (an unknown key, a value out of range: which and where).
Result<Policy> ParsePolicy(const std::string& text, const Policy& base);

/// The same of a file of at most 1 MiB. Fails: as ParsePolicy; kNotFound, kIo, kTooLarge.
Result<Policy> ReadPolicy(const std::filesystem::path& file, const Policy& base);

}  // namespace spoor::sensor
