// SPDX-License-Identifier: Apache-2.0
// What a log says about its removed beginning, as whoever rewrote the log may have made it. What is
// understood must come out the same when it is written and read again.
#include "base/check.hpp"
#include "base/file.hpp"
#include "wire/retention.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace spoor;
  const std::vector<std::byte> bytes(reinterpret_cast<const std::byte*>(data),
                                     reinterpret_cast<const std::byte*>(data) + size);
  if (const auto retention = wire::ParseRetention(AsText(bytes))) {
    SPOOR_CHECK(wire::ParseRetention(wire::RetentionJson(*retention)).has_value());
  }
  wire::Carried carried;
  if (!wire::DecodeCarried(bytes, carried)) return 0;
  wire::Carried again;
  for (const std::vector<std::byte>& payload : wire::EncodeCarried(carried)) {
    SPOOR_CHECK(wire::DecodeCarried(payload, again).has_value());
  }
  SPOOR_CHECK(again.recordings.size() == carried.recordings.size() &&
              again.chains.size() == carried.chains.size());
  return 0;
}
