// SPDX-License-Identifier: Apache-2.0
// A tunnel over UDP is believed when its header has the fixed bits that it must have and an IP
// packet that fits is behind it; a port alone is not enough.
#include <algorithm>

#include "packets/layer_decoder.hpp"
#include "packets/link_layer.hpp"

namespace spoor::packets {
namespace {

enum Protocol : std::uint8_t {
  kIpInIp = 4,
  kIpv6InIp = 41,
  kGre = 47,
  kEtherIp = 97,
  kMplsInIp = 137,
};
enum Port : std::uint16_t {
  kGtpUser = 2152,
  kTeredo = 3544,
  kL2tp = 1701,
  kLisp = 4341,
  kVxlan = 4789,
  kVxlanGpe = 4790,
  kGeneve = 6081,
  kMplsOverUdp = 6635,
  kVxlanOfLinux = 8472,
  kTzsp = 37008,
};
constexpr std::uint16_t kMplsType = 0x8847;

bool IsIp(Network network) {
  return network == Network::kIp;
}

bool SkipCounted(std::size_t count, Rest& rest) {
  if (!rest.Has(count)) return false;
  rest.Skip(count);
  return true;
}

/// RFC 2784, 2890, 2637 (PPTP).
bool SkipGre(Rest& rest) {
  constexpr std::uint16_t kErspan = 0x88be, kErspan3 = 0x22eb, kWccp = 0x883e;
  if (!rest.Has(4)) return false;
  const std::uint8_t* const header = rest.data();
  const bool checksum = (header[0] & 0x80) != 0, routing = (header[0] & 0x40) != 0;
  const bool key = (header[0] & 0x20) != 0, sequence = (header[0] & 0x10) != 0;
  const bool acknowledged = (header[1] & 0x80) != 0;
  const unsigned version = header[1] & 0x07u;
  const std::uint16_t type = Big16(header + 2);
  if (routing || version > 1) return false;
  std::size_t length = 4;
  if (checksum) length += 4;
  if (key) length += 4;
  if (sequence) length += 4;
  if (version == 1 && acknowledged) length += 4;
  if (!SkipCounted(length, rest)) return false;
  if (type == kErspan) return (!sequence || SkipCounted(8, rest)) && IsIp(SkipEthernet(rest));
  if (type == kErspan3) {
    if (!rest.Has(12)) return false;
    const bool subheader = (rest.data()[11] & 1) != 0;
    return SkipCounted(subheader ? 20 : 12, rest) && IsIp(SkipEthernet(rest));
  }
  if (type == kWccp) {
    if (rest.Has(1) && rest.data()[0] >> 4u != 4) return SkipCounted(4, rest);
    return true;
  }
  return IsIp(SkipEtherType(type, rest));
}

/// RFC 7348.
bool SkipVxlan(Rest& rest) {
  if (!rest.Has(8)) return false;
  const std::uint8_t* const header = rest.data();
  if ((header[0] & 0x08) == 0 || header[7] != 0) return false;
  rest.Skip(8);
  return IsIp(SkipEthernet(rest));
}

/// RFC 8926.
bool SkipGeneve(Rest& rest) {
  if (!rest.Has(8)) return false;
  const std::uint8_t* const header = rest.data();
  if (header[0] >> 6u != 0 || header[7] != 0) return false;
  const std::size_t length = 8 + 4 * std::size_t{header[0] & 0x3fu};
  const std::uint16_t type = Big16(header + 2);
  return SkipCounted(length, rest) && IsIp(SkipEtherType(type, rest));
}

/// 3GPP TS 29.281.
bool SkipGtp(Rest& rest) {
  if (!rest.Has(8)) return false;
  const std::uint8_t* const header = rest.data();
  if (header[0] >> 4u != 3 || header[1] != 0xff) return false;
  const bool extended = (header[0] & 0x04) != 0, more = (header[0] & 0x07) != 0;
  rest.Skip(8);
  if (!more) return true;
  if (!rest.Has(4)) return false;
  std::uint8_t next = extended ? rest.data()[3] : std::uint8_t{0};
  rest.Skip(4);
  while (next != 0) {
    if (!rest.Has(1)) return false;
    const std::size_t length = 4 * std::size_t{rest.data()[0]};
    if (length == 0 || !rest.Has(length)) return false;
    next = rest.data()[length - 1];
    rest.Skip(length);
  }
  return true;
}

/// draft-ietf-nvo3-vxlan-gpe: VXLAN that says what follows.
bool SkipVxlanGpe(Rest& rest) {
  if (!rest.Has(8) || (rest.data()[0] & 0x0c) != 0x0c || rest.data()[7] != 0) return false;
  const std::uint8_t next = rest.data()[3];
  rest.Skip(8);
  return next == 3 ? IsIp(SkipEthernet(rest)) : next == 1 || next == 2;
}

/// RFC 2661: a data message, which carries PPP.
bool SkipL2tp(Rest& rest) {
  if (!rest.Has(6)) return false;
  const std::uint16_t flags = Big16(rest.data());
  if ((flags & 0x8000) != 0 || (flags & 0x000f) != 2 || (flags & 0x34f0) != 0) return false;
  std::size_t length = 6;
  if ((flags & 0x4000) != 0) length += 2;
  if ((flags & 0x0800) != 0) length += 4;
  if ((flags & 0x0200) != 0) {
    if (!rest.Has(length + 2)) return false;
    length += 2 + std::size_t{Big16(rest.data() + length)};
  }
  constexpr std::uint16_t kPppType = 0x880b;
  return SkipCounted(length, rest) && IsIp(SkipEtherType(kPppType, rest));
}

/// TaZmen Sniffer Protocol, version 1: tagged fields up to an end, then a frame of the link that
/// its header names.
bool SkipTzsp(Rest& rest) {
  if (!rest.Has(5) || rest.data()[0] != 1 || rest.data()[1] > 1) return false;
  const std::uint16_t encapsulated = Big16(rest.data() + 2);
  rest.Skip(4);
  while (rest.Has(1)) {
    const std::uint8_t tag = rest.data()[0];
    if (tag == 1) {  // the end
      rest.Skip(1);
      constexpr std::uint16_t kEthernet = 1, kWireless = 18, kWirelessLink = 105;
      if (encapsulated == kEthernet) return IsIp(SkipEthernet(rest));
      return encapsulated == kWireless && IsIp(SkipLink(kWirelessLink, rest));
    }
    const std::size_t length = tag == 0 ? 1 : rest.Has(2) ? 2 + std::size_t{rest.data()[1]} : 0;
    if (length == 0 || !SkipCounted(length, rest)) return false;
  }
  return false;
}

bool IsTeredoAddress(const std::uint8_t* address) {
  return Big32(address) == 0x20010000;
}

/// RFC 4380: authentication and origin before an IPv6 packet that fills the datagram.
bool SkipTeredo(bool by_port, Rest& rest) {
  if (rest.Has(4) && rest.data()[0] == 0 && rest.data()[1] == 1) {
    const std::size_t length = 13 + std::size_t{rest.data()[2]} + rest.data()[3];
    if (!SkipCounted(length, rest)) return false;
  }
  if (rest.Has(8) && rest.data()[0] == 0 && rest.data()[1] == 0) rest.Skip(8);
  if (!rest.Has(40) || rest.data()[0] >> 4u != 6) return false;
  if (rest.wire_bytes != 40 + std::size_t{Big16(rest.data() + 4)}) return false;
  return by_port || IsTeredoAddress(rest.data() + 8) || IsTeredoAddress(rest.data() + 24);
}

bool StartsWithIp(const Rest& rest) {
  return rest.Has(1) && (rest.data()[0] >> 4u == 4 || rest.data()[0] >> 4u == 6);
}

}  // namespace

bool SkipIpTunnel(std::uint8_t protocol, Rest& rest) {
  switch (protocol) {
    case kIpInIp:
    case kIpv6InIp:
      return true;
    case kGre:
      return SkipGre(rest);
    case kEtherIp:
      return rest.Has(2) && rest.data()[0] >> 4u == 3 && SkipCounted(2, rest) &&
             IsIp(SkipEthernet(rest));
    case kMplsInIp:
      return IsIp(SkipEtherType(kMplsType, rest));
    default:
      return false;
  }
}

bool SkipUdpTunnel(std::uint16_t source_port, std::uint16_t destination_port, Rest& rest) {
  Rest inside = rest;
  bool found = false;
  switch (destination_port) {
    case kVxlan:
    case kVxlanOfLinux:
      found = SkipVxlan(inside);
      break;
    case kGeneve:
      found = SkipGeneve(inside);
      break;
    case kGtpUser:
      found = SkipGtp(inside) && StartsWithIp(inside);
      break;
    case kVxlanGpe:
      found = SkipVxlanGpe(inside) && StartsWithIp(inside);
      break;
    case kL2tp:
      found = SkipL2tp(inside) && StartsWithIp(inside);
      break;
    case kLisp:
      // RFC 9300: eight bytes, then IP.
      found = inside.Has(8) && (inside.data()[0] & 0x07) == 0 && SkipCounted(8, inside) &&
              StartsWithIp(inside);
      break;
    case kMplsOverUdp:
      found = IsIp(SkipEtherType(kMplsType, inside)) && StartsWithIp(inside);
      break;
    case kTzsp:
      found = SkipTzsp(inside) && StartsWithIp(inside);
      break;
    default:
      break;
  }
  if (!found) {
    inside = rest;
    found = SkipTeredo(source_port == kTeredo || destination_port == kTeredo, inside);
  }
  if (found) rest = inside;
  return found;
}

}  // namespace spoor::packets
