// SPDX-License-Identifier: Apache-2.0
#include "importers/text/fields.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>

namespace spoor::importers {
namespace {

std::optional<std::uint64_t> ParseUnsigned(std::string_view text, int base) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

struct Protocol {
  std::uint64_t number;
  std::string_view name;
};
constexpr std::array kProtocols{Protocol{1, "icmp"},   Protocol{2, "igmp"},  Protocol{4, "ipip"},
                                Protocol{6, "tcp"},    Protocol{17, "udp"},  Protocol{41, "ipv6"},
                                Protocol{47, "gre"},   Protocol{50, "esp"},  Protocol{51, "ah"},
                                Protocol{58, "icmp6"}, Protocol{89, "ospf"}, Protocol{103, "pim"},
                                Protocol{132, "sctp"}};

}  // namespace

std::optional<std::uint64_t> ParseNumber(std::string_view text) {
  return ParseUnsigned(text, 10);
}

std::optional<std::uint64_t> ParseHexNumber(std::string_view text) {
  return ParseUnsigned(text, 16);
}

std::optional<std::uint16_t> ParsePort(std::string_view text) {
  const auto number = ParseNumber(text);
  if (!number || *number > std::numeric_limits<std::uint16_t>::max()) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

std::string AddressOfBytes(std::string_view bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  constexpr std::string_view kMapped{"\0\0\0\0\0\0\0\0\0\0\xff\xff", 12};
  if (bytes.size() == 16 && bytes.starts_with(kMapped)) bytes.remove_prefix(kMapped.size());
  if (bytes.size() != 4 && bytes.size() != 16) return {};
  inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text.data(),
            static_cast<socklen_t>(text.size()));
  return text.data();
}

std::string AddressBytes(const std::string& ip) {
  std::array<char, 16> bytes{};
  if (inet_pton(AF_INET, ip.c_str(), bytes.data()) == 1) return std::string(bytes.data(), 4);
  if (inet_pton(AF_INET6, ip.c_str(), bytes.data()) == 1) return std::string(bytes.data(), 16);
  return {};
}

std::string ParseAddress(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN + 1> copy{};
  // The zone of a link-local address is a name on the observer's host.
  text = text.substr(0, text.find('%'));
  if (text.size() >= copy.size() || text.empty()) return {};
  std::memcpy(copy.data(), text.data(), text.size());
  std::array<char, 16> bytes{};
  if (inet_pton(AF_INET, copy.data(), bytes.data()) == 1) return std::string(text);
  if (inet_pton(AF_INET6, copy.data(), bytes.data()) != 1) return {};
  return AddressOfBytes({bytes.data(), bytes.size()});
}

std::optional<AddressAndPort> ParseAddressAndPort(std::string_view text) {
  AddressAndPort end;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    end.ip = ParseAddress(text.substr(1, close - 1));
    text.remove_prefix(close + 1);
    if (!text.empty()) {
      end.port = ParsePort(text.substr(1));
      if (text.front() != ':' || !end.port) return std::nullopt;
    }
  } else {
    // Snort writes "2001:db8::1:80": the last colon is the port's, if all is an address without it.
    const std::size_t colon = text.rfind(':');
    if (colon != std::string_view::npos) {
      end.port = ParsePort(text.substr(colon + 1));
      if (end.port) end.ip = ParseAddress(text.substr(0, colon));
    }
    if (end.ip.empty()) {
      end.port.reset();
      end.ip = ParseAddress(text);
    }
  }
  if (end.ip.empty()) return std::nullopt;
  return end;
}

std::string TransportOf(std::uint64_t protocol) {
  for (const Protocol& known : kProtocols) {
    if (known.number == protocol) return std::string(known.name);
  }
  return fmt::format("{}", protocol);
}

std::string TransportOf(std::string_view name) {
  if (const auto number = ParseNumber(name)) return TransportOf(*number);
  const std::string lower = LowerCase(name);
  if (lower == "ipv6-icmp" || lower == "icmpv6" || lower == "icmp6" || lower == "ipv6_icmp") {
    return "icmp6";
  }
  return lower;
}

bool HasPorts(std::string_view transport) {
  return transport == "tcp" || transport == "udp" || transport == "sctp";
}

std::optional<std::string> HexBytes(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 2);
  const auto digit = [](char letter) {
    if (letter >= '0' && letter <= '9') return letter - '0';
    if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
    if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
    return -1;
  };
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]), low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& letter : lower) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return lower;
}

std::string_view Trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::string_view TakeUntil(std::string_view& text, std::string_view separator) {
  const std::size_t at = text.find(separator);
  const std::string_view before = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view() : text.substr(at + separator.size());
  return before;
}

std::optional<std::string_view> Between(std::string_view text, std::string_view before,
                                        std::string_view after) {
  const std::size_t begin = text.find(before);
  if (begin == std::string_view::npos) return std::nullopt;
  const std::size_t from = begin + before.size();
  const std::size_t end = text.find(after, from);
  if (end == std::string_view::npos) return std::nullopt;
  return text.substr(from, end - from);
}

}  // namespace spoor::importers
