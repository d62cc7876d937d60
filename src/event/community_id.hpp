// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace spoor::event {

/// Community ID version 1, seed 0, of a flow ("1:" and base64 of a SHA-1): the same for both
/// directions, and the same as Zeek and Suricata write.
/// `protocol`: IP protocol number. TCP, UDP and SCTP have ports; ICMP and ICMPv6 have the type as
/// the source's and the code (or the type of the answer) as the destination's port; all others have
/// none, and what is given as a port is not looked at.
/// Empty where a port is needed and absent, and for what is no pair of addresses of one family.
std::string CommunityId(std::uint16_t protocol, std::string_view source_ip,
                        std::optional<std::uint16_t> source_port, std::string_view destination_ip,
                        std::optional<std::uint16_t> destination_port);

/// As above, from addresses in network order, 4 or 16 bytes each.
std::string CommunityIdOfBytes(std::uint8_t protocol, std::span<const std::uint8_t> source,
                               std::optional<std::uint16_t> source_port,
                               std::span<const std::uint8_t> destination,
                               std::optional<std::uint16_t> destination_port);

/// What a flow of ICMP (`protocol` 1) or ICMPv6 (58) that begins with a message of `type` is
/// answered with: the counterpart in the sense of Community ID; nothing where there is none.
std::optional<std::uint8_t> IcmpCounterpart(std::uint8_t protocol, std::uint8_t type);

}  // namespace spoor::event
