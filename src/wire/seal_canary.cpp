// SPDX-License-Identifier: Apache-2.0
#include "wire/seal_canary.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>
#include <span>

#include "wire/seal_cipher.hpp"

namespace spoor::wire {
namespace {

FrameKey CanaryKey(const FrameKey& first_key) {
  ScopedKey key;
  DeriveKey(first_key.bytes(), "spoor seal canary v1", key.bytes);
  return FrameKey(key.bytes);
}

}  // namespace

CanarySchedule::CanarySchedule(const FrameKey& first_key, std::uint64_t opened_boot_ns,
                               std::uint64_t interval_ns)
    : key_(CanaryKey(first_key)), interval_ns_(interval_ns) {
  next_.due_boot_ns = opened_boot_ns;
  Draw();
}

void CanarySchedule::Advance() {
  ++next_.number;
  Draw();
}

// HMAC-SHA256(key, number): 16 bytes of token, 8 of time.
void CanarySchedule::Draw() {
  const std::array<std::uint8_t, 32> drawn =
      Mac(key_.bytes(), std::as_bytes(std::span(&next_.number, 1)), {});
  next_.token = fmt::format("{:02x}", fmt::join(std::span(drawn).first(kCanaryTokenBytes / 2), ""));
  std::uint64_t random = 0;
  std::memcpy(&random, drawn.data() + kCanaryTokenBytes / 2, sizeof(random));
  next_.due_boot_ns += interval_ns_ / 2 + random % interval_ns_;
}

}  // namespace spoor::wire
