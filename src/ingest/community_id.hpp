// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace spoor::ingest {

/// Community ID version 1, seed 0, of a TCP or UDP flow ("1:" and base64 of a SHA-1): the same for
/// both directions, and the same as Zeek and Suricata write.
/// Empty for other protocols and for what is no pair of addresses of one family.
std::string CommunityId(std::uint16_t protocol, std::string_view source_ip,
                        std::uint16_t source_port, std::string_view destination_ip,
                        std::uint16_t destination_port);

}  // namespace spoor::ingest
