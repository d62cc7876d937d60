// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Single values of logs. None or empty: it is no such value.
namespace spoor::importers {

/// A whole decimal number from 0 and nothing else.
std::optional<std::uint64_t> ParseNumber(std::string_view text);
/// The same in hexadecimal, without 0x.
std::optional<std::uint64_t> ParseHexNumber(std::string_view text);
std::optional<std::uint16_t> ParsePort(std::string_view text);

/// An IPv4 or IPv6 address in the form of inet_ntop, an IPv4-mapped one as IPv4.
std::string ParseAddress(std::string_view text);
/// The 4 or 16 bytes of an address in network order; empty: it is none.
std::string AddressBytes(const std::string& ip);
/// An address from 4 or 16 bytes in network order.
std::string AddressOfBytes(std::string_view bytes);

/// "1.2.3.4:80", "[2001:db8::1]:80", "2001:db8::1:80" (the last colon is the port's), "1.2.3.4".
struct AddressAndPort {
  std::string ip;
  std::optional<std::uint16_t> port;
};
std::optional<AddressAndPort> ParseAddressAndPort(std::string_view text);

/// "tcp", "udp", "icmp", "icmp6" … of a protocol's number; others: the number.
std::string TransportOf(std::uint64_t protocol);
/// The same of a name in any case ("TCP", "IPv6-ICMP", "6").
std::string TransportOf(std::string_view name);
/// Whether ends of the transport have ports.
bool HasPorts(std::string_view transport);

/// "c0ffee" as bytes; none: an odd number of digits or something else.
std::optional<std::string> HexBytes(std::string_view text);

std::string LowerCase(std::string_view text);
std::string_view Trim(std::string_view text);

/// Cuts off what is before `separator` and the separator; all of it when there is none.
std::string_view TakeUntil(std::string_view& text, std::string_view separator);

/// What is between the first `before` and the next `after`; none: they are not there.
std::optional<std::string_view> Between(std::string_view text, std::string_view before,
                                        std::string_view after);

}  // namespace spoor::importers
