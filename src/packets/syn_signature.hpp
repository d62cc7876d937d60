// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "packets/frame.hpp"

namespace spoor::packets {

/// Peculiarities of a SYN or of its answer, by the names that p0f gives them.
enum SynQuirk : std::uint32_t {
  kQuirkDf = 1 << 0,                   ///< df: must not be fragmented
  kQuirkDfWithId = 1 << 1,             ///< id+: and has an identification
  kQuirkNoId = 1 << 2,                 ///< id-: may be fragmented, and has no identification
  kQuirkEcn = 1 << 3,                  ///< ecn
  kQuirkReservedIp = 1 << 4,           ///< 0+: a bit of IPv4 that must be zero
  kQuirkFlowLabel = 1 << 5,            ///< flow: of IPv6
  kQuirkZeroSequence = 1 << 6,         ///< seq-
  kQuirkAckNumberWithoutAck = 1 << 7,  ///< ack+
  kQuirkNoAckNumber = 1 << 8,          ///< ack-
  kQuirkUrgentPointer = 1 << 9,        ///< uptr+: without URG
  kQuirkUrgent = 1 << 10,              ///< urgf+
  kQuirkPush = 1 << 11,                ///< pushf+
  kQuirkZeroTimestamp = 1 << 12,       ///< ts1-
  kQuirkPeerTimestamp = 1 << 13,       ///< ts2+: in a SYN
  kQuirkPadding = 1 << 14,             ///< opt+: behind the end of options is something
  kQuirkLargeScale = 1 << 15,          ///< exws: above 14
  kQuirkBadOptions = 1 << 16,          ///< bad
};

/// What a SYN, or its answer, shows of the system that sent it.
struct SynSignature {
  bool v6 = false;
  std::uint8_t hops_left = 0;           ///< TTL, hop limit
  std::uint8_t ip_option_bytes = 0;     ///< of IPv6: of extension headers
  std::uint16_t header_bytes = 0;       ///< of IP and TCP
  std::uint16_t segment_bytes_max = 0;  ///< the MSS; 0: not told
  std::uint16_t window = 0;
  std::uint8_t window_scale = 0;
  bool has_timestamp = false;  ///< other than 0
  bool has_payload = false;
  std::uint8_t padding_bytes = 0;  ///< behind the end of options
  std::string options;             ///< their order, as p0f writes it: "mss,sok,ts,nop,ws"
  std::uint32_t quirks = 0;
};

/// Of a TCP segment with SYN. Nothing when it is a fragment or not all of its headers was captured.
std::optional<SynSignature> SignatureOf(const Layer& layer);

}  // namespace spoor::packets
