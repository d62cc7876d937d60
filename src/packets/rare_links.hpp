// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "packets/link_layer.hpp"

namespace spoor::packets {

/// SkipLink for link types that few captures have: most are a header of their own before one of
/// the common ones. kNone: another link type.
Network SkipRareLink(std::uint16_t link_type, Rest& rest);

/// SkipEtherType for tags and tunnels over Ethernet that few networks have. kNone: none of them, or
/// encrypted.
Network SkipRareTag(std::uint16_t ether_type, Rest& rest);

}  // namespace spoor::packets
