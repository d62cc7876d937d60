// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "packets/frame.hpp"

namespace spoor::packets {

/// Appends to `frame` the IP packet that `rest` begins with and those inside of it. `carrier`: as
/// Layer::carrier. Not kDecoded: nothing was appended.
Verdict DecodeIp(Rest rest, std::uint8_t carrier, Frame& frame);

/// Passes over the tunnel headers of IP protocol `protocol` that `rest` begins with, up to the IP
/// packet inside; false when it is no tunnel that is known.
bool SkipIpTunnel(std::uint8_t protocol, Rest& rest);
/// Likewise of a UDP datagram, from behind its header on.
bool SkipUdpTunnel(std::uint16_t source_port, std::uint16_t destination_port, Rest& rest);

/// Reads the transport header that `rest` begins with: ports, flags, payload. `layer` has its ends
/// and protocol. False: it cannot be what it says.
bool DecodeTransport(Rest rest, Layer& layer);

/// The packet that an ICMP error quotes; nothing when too little of it is there.
std::optional<Ends> DecodeQuoted(Bytes quoted);

}  // namespace spoor::packets
