// SPDX-License-Identifier: Apache-2.0
#include "importers/text/sockaddr.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include "importers/text/fields.hpp"

namespace spoor::importers {
namespace {

std::uint16_t Port(std::string_view bytes) {
  return static_cast<std::uint16_t>(static_cast<std::uint8_t>(bytes[2]) << 8 |
                                    static_cast<std::uint8_t>(bytes[3]));
}

}  // namespace

std::optional<SocketAddress> ParseSocketAddress(std::string_view bytes) {
  constexpr std::size_t kInetBytes = 8, kInet6Bytes = 24;
  if (bytes.size() < 2) return std::nullopt;
  const unsigned family = static_cast<std::uint8_t>(bytes[0]) |
                          static_cast<unsigned>(static_cast<std::uint8_t>(bytes[1])) << 8;
  SocketAddress address;
  switch (family) {
    case AF_INET:
      if (bytes.size() < kInetBytes) return std::nullopt;
      address.family = "inet";
      address.port = Port(bytes);
      address.ip = AddressOfBytes(bytes.substr(4, 4));
      break;
    case AF_INET6:
      if (bytes.size() < kInet6Bytes) return std::nullopt;
      address.family = "inet6";
      address.port = Port(bytes);
      address.ip = AddressOfBytes(bytes.substr(8, 16));
      break;
    case AF_UNIX: {
      address.family = "unix";
      std::string_view path = bytes.substr(2);
      const bool abstract = path.size() > 1 && path[0] == '\0' && path[1] != '\0';
      if (abstract) path.remove_prefix(1);
      address.unix_path = (abstract ? "@" : "") + std::string(path.substr(0, path.find('\0')));
      break;
    }
    case AF_NETLINK:
      address.family = "netlink";
      break;
    default:
      address.family = fmt::format("{}", family);
  }
  return address;
}

}  // namespace spoor::importers
