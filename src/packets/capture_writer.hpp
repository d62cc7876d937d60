// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "packets/capture_reader.hpp"

namespace spoor::packets {

/// Where packets come from.
struct CaptureInterface {
  std::uint16_t link_type = 0;       ///< LINKTYPE_ number
  std::string name{};                ///< empty: not told
  std::string filter{};              ///< of libpcap; empty: all packets
  std::uint32_t snapshot_bytes = 0;  ///< at most so much of each; 0: all
};

/// What was seen of an interface since the capture began.
struct CaptureStatistics {
  std::int64_t wall_ns = 0;          ///< when it was asked
  std::uint64_t received_count = 0;  ///< packets that the filter let through, also dropped ones
  std::uint64_t dropped_count = 0;   ///< of these, that there was no room for
  std::uint64_t missed_count = 0;    ///< that the interface itself dropped before
};

/// Writes a capture as pcapng, with one interface for each link type and times in ns.
/// Format: draft-ietf-opsawg-pcapng. Not thread-safe.
class CaptureWriter {
 public:
  /// Before the first packet, where more than its link type is to be told of an interface.
  void Describe(const CaptureInterface& interface, std::string& out);
  /// Of an interface that was described or has packets.
  void AppendStatistics(std::uint16_t link_type, const CaptureStatistics& statistics,
                        std::string& out);
  /// Appends to `out` the bytes of the packet, and before the first what a file begins with.
  /// `comment`: UTF-8 that goes with the packet, at most kCommentBytesMax of it; empty: none.
  void Append(const CapturedPacket& packet, std::string_view comment, std::string& out);

  static constexpr std::size_t kCommentBytesMax = 4096;

 private:
  std::map<std::uint16_t, std::uint32_t> interfaces_;  // by link type
};

}  // namespace spoor::packets
