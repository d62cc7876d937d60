// SPDX-License-Identifier: Apache-2.0
// A policy from hostile bytes: what is accepted keeps within the limits that docs/policy.md states,
// whatever it began with, and says the same when it is read a second time.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.hpp"
#include "sensor/policy.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  using namespace spoor::sensor;  // NOLINT(google-build-using-namespace)
  const std::string text(reinterpret_cast<const char*>(data), size_bytes);
  for (const char* profile : {"production", "honeypot"}) {
    const Policy base = *PolicyOfProfile(profile);
    const auto policy = ParsePolicy(text, base);
    if (!policy) {
      SPOOR_CHECK(!policy.error().message.empty()) << "refused without a reason";
      continue;
    }
    SPOOR_CHECK(PolicyOfProfile(policy->profile).has_value()) << policy->profile;
    SPOOR_CHECK(policy->terminal_payload_bytes_max <= 16384 && policy->payload_bytes_max <= 16384);
    SPOOR_CHECK(policy->payload_bytes_per_second <= 1 << 30);
    SPOOR_CHECK(std::has_single_bit(policy->ring_bytes) && policy->ring_bytes >= 1 << 20 &&
                policy->ring_bytes <= 1 << 30);
    SPOOR_CHECK(policy->seal_interval_ms >= 2 && policy->seal_interval_ms <= 1000);
    SPOOR_CHECK(policy->canary_interval_ms == 0 ||
                (policy->canary_interval_ms >= 200 && policy->canary_interval_ms <= 3'600'000));
    const auto again = ParsePolicy(text, *policy);
    SPOOR_CHECK(again && again->ring_bytes == policy->ring_bytes &&
                again->payload_bytes_max == policy->payload_bytes_max &&
                again->canary_interval_ms == policy->canary_interval_ms)
        << "a policy that says something else the second time";
  }
  return 0;
}
