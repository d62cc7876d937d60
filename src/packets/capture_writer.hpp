// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "packets/capture_reader.hpp"

namespace spoor::packets {

/// Writes a capture as pcapng, with one interface for each link type and times in ns.
/// Format: draft-ietf-opsawg-pcapng. Not thread-safe.
class CaptureWriter {
 public:
  /// Appends to `out` the bytes of the packet, and before the first what a file begins with.
  /// `comment`: UTF-8 that goes with the packet, at most kCommentBytesMax of it; empty: none.
  void Append(const CapturedPacket& packet, std::string_view comment, std::string& out);

  static constexpr std::size_t kCommentBytesMax = 4096;

 private:
  std::map<std::uint16_t, std::uint32_t> interfaces_;  // by link type
};

}  // namespace spoor::packets
