// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "packets/bytes.hpp"

namespace spoor::packets {

/// What is behind the headers of the link.
enum class Network : std::uint8_t {
  kNone,       ///< no IP: something else, or not enough captured to tell
  kIp,         ///< of the version that its first half byte says
  kMalformed,  ///< headers that contradict the frame
};

/// Passes over the headers of the link and what lies between it and IP. `rest`: the frame → the IP
/// packet.
Network SkipLink(std::uint16_t link_type, Rest& rest);
/// Likewise from an Ethernet header on.
Network SkipEthernet(Rest& rest);
/// Likewise from what an EtherType announces.
Network SkipEtherType(std::uint16_t ether_type, Rest& rest);

}  // namespace spoor::packets
