// SPDX-License-Identifier: Apache-2.0
// Specification: github.com/corelight/community-id-spec. The end with the smaller address and port
// comes first, so that both directions give one id; an ICMP message that asks for no answer keeps
// its order, for it has one direction.
#include "event/community_id.hpp"

#include <arpa/inet.h>
#include <openssl/sha.h>

#include <array>
#include <utility>

#include "base/base64.hpp"

namespace spoor::event {
namespace {

struct TypePair {
  std::uint8_t one, other;
};
// RFC 792, 950, 1256.
constexpr std::array kIcmpPairs{TypePair{8, 0}, TypePair{13, 14}, TypePair{15, 16}, TypePair{10, 9},
                                TypePair{17, 18}};
// RFC 4443, 4861, 2710, 4620, 6275.
constexpr std::array kIcmp6Pairs{TypePair{128, 129}, TypePair{133, 134}, TypePair{135, 136},
                                 TypePair{130, 131}, TypePair{139, 140}, TypePair{144, 145}};

bool IsIcmp(std::uint8_t protocol) {
  return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

bool HasPorts(std::uint8_t protocol) {
  return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP ||
         IsIcmp(protocol);
}

/// Network-order bytes of an address text; empty when it is none.
std::span<const std::uint8_t> AddressBytes(std::string_view ip,
                                           std::array<std::uint8_t, 16>& bytes) {
  const std::string text(ip);
  if (::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return {bytes.data(), 4};
  if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return bytes;
  return {};
}

std::string Text(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string BigEndian(std::uint16_t number) {
  return {static_cast<char>(number >> 8), static_cast<char>(number & 0xff)};
}

}  // namespace

std::optional<std::uint8_t> IcmpCounterpart(std::uint8_t protocol, std::uint8_t type) {
  const std::span<const TypePair> pairs = protocol == IPPROTO_ICMPV6
                                              ? std::span<const TypePair>(kIcmp6Pairs)
                                              : std::span<const TypePair>(kIcmpPairs);
  for (const TypePair& pair : pairs) {
    if (pair.one == type) return pair.other;
    if (pair.other == type) return pair.one;
  }
  return std::nullopt;
}

std::string CommunityIdOfBytes(std::uint8_t protocol, std::span<const std::uint8_t> source,
                               std::optional<std::uint16_t> source_port,
                               std::span<const std::uint8_t> destination,
                               std::optional<std::uint16_t> destination_port) {
  if (source.empty() || source.size() != destination.size()) return {};
  std::string ports;
  bool one_way = false;
  std::uint16_t first_port = source_port.value_or(0);
  std::uint16_t second_port = destination_port.value_or(0);
  if (HasPorts(protocol)) {
    if (!source_port || !destination_port) return {};
    if (IsIcmp(protocol)) {
      const auto counterpart = IcmpCounterpart(protocol, static_cast<std::uint8_t>(first_port));
      one_way = !counterpart;
      if (counterpart) second_port = *counterpart;
    }
  } else {
    first_port = second_port = 0;
  }
  std::string first = Text(source);
  std::string second = Text(destination);
  // std::string compares as unsigned bytes; the smaller end comes first.
  if (!one_way && first + BigEndian(first_port) > second + BigEndian(second_port)) {
    std::swap(first, second);
    std::swap(first_port, second_port);
  }
  if (HasPorts(protocol)) ports = BigEndian(first_port) + BigEndian(second_port);
  std::string input = BigEndian(0);  // the seed
  input += first + second;
  input += static_cast<char>(protocol);
  input += '\0';
  input += ports;
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<const unsigned char*>(input.data()), input.size(), digest.data());
  return "1:" + ToBase64({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

std::string CommunityId(std::uint16_t protocol, std::string_view source_ip,
                        std::optional<std::uint16_t> source_port, std::string_view destination_ip,
                        std::optional<std::uint16_t> destination_port) {
  if (protocol == 0 || protocol > 0xff) return {};
  std::array<std::uint8_t, 16> source{}, destination{};
  return CommunityIdOfBytes(static_cast<std::uint8_t>(protocol), AddressBytes(source_ip, source),
                            source_port, AddressBytes(destination_ip, destination),
                            destination_port);
}

}  // namespace spoor::event
