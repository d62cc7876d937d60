// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

/// Numbers of packets, in network order.
namespace spoor::packets {

inline std::uint16_t Big16(const std::uint8_t* at) {
  return static_cast<std::uint16_t>(at[0] << 8 | at[1]);
}
inline std::uint32_t Big24(const std::uint8_t* at) {
  return static_cast<std::uint32_t>(at[0]) << 16 | static_cast<std::uint32_t>(at[1]) << 8 | at[2];
}
inline std::uint32_t Big32(const std::uint8_t* at) {
  return static_cast<std::uint32_t>(at[0]) << 24 | Big24(at + 1);
}

using Bytes = std::span<const std::uint8_t>;

/// The part of a frame that is not decoded yet.
struct Rest {
  Bytes captured;
  /// Bytes of it on the wire, never less than captured.
  std::size_t wire_bytes = 0;
  /// Headers passed that can contain each other.
  unsigned nested_count = 0;

  bool Has(std::size_t count) const { return captured.size() >= count; }
  const std::uint8_t* data() const { return captured.data(); }
  /// Passes over `count` bytes, which must be captured.
  void Skip(std::size_t count) {
    captured = captured.subspan(count);
    wire_bytes -= count;
  }
  /// Ends after `count` bytes of the wire, when it goes on longer.
  void Limit(std::size_t count) {
    if (wire_bytes > count) wire_bytes = count;
    if (captured.size() > count) captured = captured.first(count);
  }
};

}  // namespace spoor::packets
