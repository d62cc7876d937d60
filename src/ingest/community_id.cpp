// SPDX-License-Identifier: Apache-2.0
#include "ingest/community_id.hpp"

#include <arpa/inet.h>
#include <openssl/sha.h>

#include <array>

#include "base/base64.hpp"

namespace spoor::ingest {
namespace {

/// Network-order bytes of an address text; empty when it is none.
std::string AddressBytes(std::string_view ip) {
  const std::string text(ip);
  std::array<char, 16> bytes{};
  if (::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return {bytes.data(), 4};
  if (::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return {bytes.data(), 16};
  return {};
}

std::string BigEndian(std::uint16_t number) {
  return {static_cast<char>(number >> 8), static_cast<char>(number & 0xff)};
}

}  // namespace

std::string CommunityId(std::uint16_t protocol, std::string_view source_ip,
                        std::uint16_t source_port, std::string_view destination_ip,
                        std::uint16_t destination_port) {
  if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) return {};
  const std::string a = AddressBytes(source_ip);
  const std::string b = AddressBytes(destination_ip);
  if (a.empty() || a.size() != b.size()) return {};
  // std::string compares as unsigned bytes; the smaller end comes first.
  const bool in_order = a + BigEndian(source_port) < b + BigEndian(destination_port);
  std::string input = BigEndian(0);  // the seed
  input += in_order ? a + b : b + a;
  input += static_cast<char>(protocol);
  input += '\0';
  input += in_order ? BigEndian(source_port) + BigEndian(destination_port)
                    : BigEndian(destination_port) + BigEndian(source_port);
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<const unsigned char*>(input.data()), input.size(), digest.data());
  return "1:" + ToBase64({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

}  // namespace spoor::ingest
