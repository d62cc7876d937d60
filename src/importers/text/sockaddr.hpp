// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace spoor::importers {

/// What a struct sockaddr of Linux says.
struct SocketAddress {
  std::string family;  ///< "inet", "inet6", "unix", "netlink", or the number
  std::string ip;
  std::uint16_t port = 0;
  std::string unix_path;  ///< "@" stands for the leading NUL of abstract names
};

/// `bytes`: as they lie in memory of a little-endian machine. None: too short for its family.
std::optional<SocketAddress> ParseSocketAddress(std::string_view bytes);

}  // namespace spoor::importers
