// SPDX-License-Identifier: Apache-2.0
// Every loop here passes over at least two bytes a turn, so a frame's length bounds it; what can
// contain itself goes through SkipEtherType or SkipEthernet, which bound how deep.
// Link types: www.tcpdump.org/linktypes.html.
#include "packets/link_layer.hpp"

#include <algorithm>

#include "packets/rare_links.hpp"

namespace spoor::packets {
namespace {

enum LinkType : std::uint16_t {
  kNull = 0,
  kEthernet = 1,
  kTokenRing = 6,
  kArcnetBsd = 7,
  kPpp = 9,
  kFddi = 10,
  kRawOfFreeBsd = 12,
  kRawOfOpenBsd = 14,
  kPppHdlc = 50,
  kPppEther = 51,
  kAtm = 100,
  kRaw = 101,
  kCiscoHdlc = 104,
  kWireless = 105,
  kFrameRelay = 107,
  kLoop = 108,
  kEnc = 109,
  kLinuxCooked = 113,
  kPflog = 117,
  kPrism = 119,
  kRadiotap = 127,
  kArcnetLinux = 129,
  kWirelessAvs = 163,
  kPpi = 192,
  kIpv4Only = 228,
  kIpv6Only = 229,
  kNflog = 239,
  kLinuxCooked2 = 276,
  kBroadcomTag = 281,
};

enum EtherType : std::uint16_t {
  kIpv4Type = 0x0800,
  kIpv6Type = 0x86dd,
  kVlan = 0x8100,
  kProviderVlan = 0x88a8,
  kOldVlan1 = 0x9100,
  kOldVlan2 = 0x9200,
  kOldVlan3 = 0x9300,
  kBackboneTag = 0x88e7,
  kMpls = 0x8847,
  kMplsMulticast = 0x8848,
  kPppoeSession = 0x8864,
  kPppType = 0x880b,
  kBridged = 0x6558,
  kCiscoMetadata = 0x8909,
};
// Below it, the field is a length.
constexpr std::uint16_t kEtherTypeMin = 0x0600;
constexpr unsigned kNestedMax = 32;

std::uint16_t Little16(const std::uint8_t* at) {
  return static_cast<std::uint16_t>(at[1] << 8 | at[0]);
}

Network SkipBytes(std::size_t count, Rest& rest) {
  if (!rest.Has(count)) return Network::kNone;
  rest.Skip(count);
  return Network::kIp;
}

Network SkipMpls(Rest& rest) {
  for (;;) {
    if (!rest.Has(4)) return Network::kNone;
    const bool bottom = (rest.data()[2] & 1) != 0;
    rest.Skip(4);
    if (bottom) break;
  }
  if (!rest.Has(1)) return Network::kNone;
  const unsigned version = rest.data()[0] >> 4u;
  if (version == 4 || version == 6) return Network::kIp;
  // A pseudowire of Ethernet: a control word of zeros before it.
  if (rest.Has(4) && Big32(rest.data()) == 0) {
    rest.Skip(4);
    return SkipEthernet(rest);
  }
  return Network::kNone;
}

/// RFC 1661, 1662: address and control may be left out, the protocol may be one byte.
Network SkipPpp(Rest& rest) {
  if (rest.Has(2) && rest.data()[0] == 0xff && rest.data()[1] == 0x03) rest.Skip(2);
  if (!rest.Has(2)) return Network::kNone;
  std::uint16_t protocol = rest.data()[0];
  if ((protocol & 1) != 0) {
    rest.Skip(1);
  } else {
    protocol = Big16(rest.data());
    rest.Skip(2);
  }
  switch (protocol) {
    case 0x0021:
    case 0x0057:
      return Network::kIp;
    case 0x0281:
    case 0x0283:
      return SkipMpls(rest);
    case 0x0031: {  // RFC 3518: bridged; a flags byte and the MAC type
      if (!rest.Has(2) || rest.data()[1] != 1) return Network::kNone;
      rest.Skip(2);
      return SkipEthernet(rest);
    }
    default:
      return Network::kNone;
  }
}

Network SkipPppoe(Rest& rest) {
  if (!rest.Has(6)) return Network::kNone;
  const std::uint8_t* const header = rest.data();
  if (header[1] != 0) return Network::kNone;  // not of a session
  const std::uint16_t length = Big16(header + 4);
  rest.Skip(6);
  if (length > rest.wire_bytes) return Network::kMalformed;
  rest.Limit(length);
  return SkipPpp(rest);
}

/// IEEE 802.2, with SNAP.
Network SkipLlc(Rest& rest) {
  if (!rest.Has(3)) return Network::kNone;
  const std::uint8_t* const header = rest.data();
  if (header[0] == 0x06 && header[1] == 0x06) return SkipBytes(3, rest);
  if (header[0] == 0xfe && header[1] == 0xfe && rest.Has(4)) {  // OSI: NLPID, RFC 2427
    const std::uint8_t protocol = header[3];
    rest.Skip(4);
    return protocol == 0xcc || protocol == 0x8e ? Network::kIp : Network::kNone;
  }
  if (header[0] != 0xaa || header[1] != 0xaa || header[2] != 0x03 || !rest.Has(8)) {
    return Network::kNone;
  }
  const std::uint32_t organisation = Big24(header + 3);
  const std::uint16_t type = Big16(header + 6);
  rest.Skip(8);
  if (organisation == 0x0080c2 && (type == 1 || type == 7)) {  // RFC 2684: bridged Ethernet
    if (!rest.Has(2)) return Network::kNone;
    rest.Skip(2);
    return SkipEthernet(rest);
  }
  return organisation == 0 || organisation == 0x0000f8 ? SkipEtherType(type, rest) : Network::kNone;
}

/// IEEE 802.11 data frames that are not encrypted.
Network SkipWireless(Rest& rest) {
  if (!rest.Has(24)) return Network::kNone;
  const std::uint8_t type = rest.data()[0];
  const std::uint8_t flags = rest.data()[1];
  const bool is_data = (type & 0x0c) == 0x08 && (type & 0x40) == 0;
  if (!is_data || (flags & 0x40) != 0) return Network::kNone;
  std::size_t header = 24;
  if ((flags & 0x03) == 0x03) header += 6;
  const bool qos = (type & 0x80) != 0;
  bool aggregated = false;
  if (qos) {
    if (!rest.Has(header + 2)) return Network::kNone;
    aggregated = (rest.data()[header] & 0x80) != 0;
    header += 2;
    if ((flags & 0x80) != 0) header += 4;  // HT control
  }
  if (aggregated || (rest.Has(24) && (rest.data()[22] & 0x0f) != 0)) return Network::kNone;
  if (!rest.Has(header)) return Network::kNone;
  rest.Skip(header);
  return SkipLlc(rest);
}

/// Radiotap, whose field of flags tells whether the header is padded to four bytes.
Network SkipRadiotap(Rest& rest) {
  if (!rest.Has(8)) return Network::kNone;
  const std::uint16_t length = Little16(rest.data() + 2);
  if (length < 8) return Network::kMalformed;
  if (!rest.Has(length)) return Network::kNone;
  bool padded = false;
  const std::uint8_t* const header = rest.data();
  const std::uint8_t present = header[4];
  std::size_t at = 8;
  for (std::size_t word = 4; (header[word + 3] & 0x80) != 0 && word + 8 <= length; word += 4) {
    at = word + 8;
  }
  if ((present & 1) != 0) at = (at + 7) / 8 * 8 + 8;  // TSFT
  if ((present & 2) != 0 && at < length) padded = (header[at] & 0x20) != 0;
  rest.Skip(length);
  if (padded && rest.Has(26) && (rest.data()[0] & 0x8c) == 0x88) {
    const std::size_t mac = (rest.data()[1] & 0x03) == 0x03 ? 32 : 26;
    const std::size_t padding = (4 - mac % 4) % 4;
    if (padding != 0 && rest.Has(mac + padding)) {
      if ((rest.data()[1] & 0x40) != 0 || (rest.data()[0] & 0x40) != 0) return Network::kNone;
      rest.Skip(mac + padding);
      return SkipLlc(rest);
    }
  }
  return SkipWireless(rest);
}

Network SkipPpi(Rest& rest) {
  if (!rest.Has(8)) return Network::kNone;
  const std::uint16_t length = Little16(rest.data() + 2);
  const std::uint32_t inner =
      std::uint32_t{Little16(rest.data() + 4)} | std::uint32_t{Little16(rest.data() + 6)} << 16;
  if (length < 8) return Network::kMalformed;
  if (!rest.Has(length)) return Network::kNone;
  rest.Skip(length);
  if (inner == kPpi || inner > 0xffff) return Network::kNone;
  return SkipLink(static_cast<std::uint16_t>(inner), rest);
}

/// Attributes of type and length; the packet is the payload attribute.
Network SkipNflog(Rest& rest) {
  constexpr std::uint16_t kPayload = 9;
  if (!rest.Has(4)) return Network::kNone;
  const std::uint8_t family = rest.data()[0];
  rest.Skip(4);
  while (rest.Has(4)) {
    const std::uint16_t length = Little16(rest.data());
    const std::uint16_t type = Little16(rest.data() + 2) & 0x7fff;
    if (length < 4) return Network::kMalformed;
    if (type == kPayload) {
      rest.Limit(length);
      rest.Skip(4);
      // How much of the packet is copied is a setting, and nothing says how long it was.
      rest.wire_bytes = std::max<std::size_t>(rest.wire_bytes, 0xffff + 40);
      return family == 2 || family == 10 ? Network::kIp : Network::kNone;
    }
    const std::size_t padded = (std::size_t{length} + 3) / 4 * 4;
    if (!rest.Has(padded)) return Network::kNone;
    rest.Skip(padded);
  }
  return Network::kNone;
}

/// Q.922 address, then NLPID (RFC 2427) or Cisco's EtherType.
Network SkipFrameRelay(Rest& rest) {
  std::size_t address = 1;
  while (rest.Has(address) && (rest.data()[address - 1] & 1) == 0 && address < 4) ++address;
  if (!rest.Has(address + 2)) return Network::kNone;
  const std::uint8_t* const after = rest.data() + address;
  if (after[0] != 0x03) {
    const std::uint16_t type = Big16(after);
    rest.Skip(address + 2);
    return SkipEtherType(type, rest);
  }
  std::size_t header = address + 1;
  if (after[1] == 0 && rest.Has(header + 2)) ++header;  // padding
  const std::uint8_t protocol = rest.data()[header];
  rest.Skip(header + 1);
  if (protocol == 0xcc || protocol == 0x8e) return Network::kIp;
  if (protocol != 0x80 || !rest.Has(5)) return Network::kNone;
  const std::uint32_t organisation = Big24(rest.data());
  const std::uint16_t type = Big16(rest.data() + 3);
  rest.Skip(5);
  return organisation == 0 ? SkipEtherType(type, rest) : Network::kNone;
}

/// A word with the family of addresses, in the byte order of whoever captured or of the network.
Network SkipFamily(Rest& rest) {
  if (!rest.Has(4)) return Network::kNone;
  const std::uint32_t big = Big32(rest.data());
  const std::uint32_t family = big > 0xffff ? __builtin_bswap32(big) : big;
  rest.Skip(4);
  switch (family) {
    case 2:   // AF_INET
    case 10:  // AF_INET6 of Linux; then of NetBSD and OpenBSD, FreeBSD, Darwin
    case 24:
    case 28:
    case 30:
      return Network::kIp;
    default:
      return Network::kNone;
  }
}

Network SkipArcnet(bool linux, Rest& rest) {
  std::size_t header = linux ? 4 : 2;  // Linux has an offset of two bytes behind the addresses
  if (!rest.Has(header + 1)) return Network::kNone;
  const std::uint8_t type = rest.data()[header];
  ++header;
  constexpr std::uint8_t kIpOld = 240, kIp = 212, kIpv6 = 196;
  if (type == kIpOld) return SkipBytes(header, rest);
  if (type != kIp && type != kIpv6) return Network::kNone;
  if (linux || !rest.Has(header + 3)) return SkipBytes(header + 3, rest);
  // RFC 1201: a split flag and a sequence number; an exception frame has four bytes more.
  if (rest.data()[header] == 0xff) header += 4;
  return SkipBytes(header + 3, rest);
}

Network SkipTagged(Rest& rest) {
  // Two addresses, four bytes of the switch, then as ever.
  if (!rest.Has(18)) return Network::kNone;
  const std::uint16_t type = Big16(rest.data() + 16);
  rest.Skip(18);
  return type < kEtherTypeMin ? SkipLlc(rest) : SkipEtherType(type, rest);
}

}  // namespace

Network SkipEtherType(std::uint16_t ether_type, Rest& rest) {
  if (++rest.nested_count > kNestedMax) return Network::kNone;
  for (;;) {
    switch (ether_type) {
      case kIpv4Type:
      case kIpv6Type:
        return Network::kIp;
      case kVlan:
      case kProviderVlan:
      case kOldVlan1:
      case kOldVlan2:
      case kOldVlan3:
        if (!rest.Has(4)) return Network::kNone;
        ether_type = Big16(rest.data() + 2);
        rest.Skip(4);
        if (ether_type < kEtherTypeMin) return SkipLlc(rest);
        continue;
      case kBackboneTag:
        if (!rest.Has(4)) return Network::kNone;
        rest.Skip(4);
        return SkipEthernet(rest);
      case kCiscoMetadata:
        if (!rest.Has(8)) return Network::kNone;
        ether_type = Big16(rest.data() + 6);
        rest.Skip(8);
        continue;
      case kMpls:
      case kMplsMulticast:
        return SkipMpls(rest);
      case kPppoeSession:
        return SkipPppoe(rest);
      case kPppType:
        return SkipPpp(rest);
      case kBridged:
        return SkipEthernet(rest);
      default:
        return SkipRareTag(ether_type, rest);
    }
  }
}

Network SkipEthernet(Rest& rest) {
  if (++rest.nested_count > kNestedMax) return Network::kNone;
  if (!rest.Has(14)) return Network::kNone;
  // Cisco ISL: to its own address, a SNAP header, and the frame behind 26 bytes.
  constexpr std::size_t kIslBytes = 26;
  const std::uint8_t* const to = rest.data();
  const bool isl = (to[0] == 0x01 || to[0] == 0x03) && Big32(to + 1) == 0x000c0000 &&
                   rest.Has(kIslBytes) && Big24(to + 14) == 0xaaaa03;
  if (isl) {
    rest.Skip(kIslBytes);
    return SkipEthernet(rest);
  }
  const std::uint16_t type = Big16(rest.data() + 12);
  rest.Skip(14);
  return type < kEtherTypeMin ? SkipLlc(rest) : SkipEtherType(type, rest);
}

Network SkipLink(std::uint16_t link_type, Rest& rest) {
  switch (link_type) {
    case kEthernet:
      return SkipEthernet(rest);
    case kNull:
    case kLoop:
      return SkipFamily(rest);
    case kRawOfFreeBsd:
    case kRawOfOpenBsd:
    case kRaw:
    case kIpv4Only:
    case kIpv6Only:
      return Network::kIp;
    case kPpp:
      return SkipPpp(rest);
    case kPppHdlc:
    case kCiscoHdlc: {
      if (!rest.Has(4)) return Network::kNone;
      if (rest.data()[0] == 0xff) return SkipPpp(rest);
      const std::uint16_t type = Big16(rest.data() + 2);
      rest.Skip(4);
      return SkipEtherType(type, rest);
    }
    case kPppEther:
      return SkipPppoe(rest);
    case kLinuxCooked: {
      if (!rest.Has(16)) return Network::kNone;
      const std::uint16_t type = Big16(rest.data() + 14);
      rest.Skip(16);
      return type == 4 ? SkipLlc(rest) : SkipEtherType(type, rest);
    }
    case kLinuxCooked2: {
      if (!rest.Has(20)) return Network::kNone;
      const std::uint16_t type = Big16(rest.data());
      rest.Skip(20);
      return type == 4 ? SkipLlc(rest) : SkipEtherType(type, rest);
    }
    case kWireless:
      return SkipWireless(rest);
    case kRadiotap:
      return SkipRadiotap(rest);
    case kPrism:
      if (!rest.Has(144)) return Network::kNone;
      rest.Skip(144);
      return SkipWireless(rest);
    case kWirelessAvs: {
      if (!rest.Has(8)) return Network::kNone;
      const std::uint32_t length = Big32(rest.data() + 4);
      if (length < 8) return Network::kMalformed;
      if (!rest.Has(length)) return Network::kNone;
      rest.Skip(length);
      return SkipWireless(rest);
    }
    case kPpi:
      return SkipPpi(rest);
    case kNflog:
      return SkipNflog(rest);
    case kFrameRelay:
      return SkipFrameRelay(rest);
    case kPflog: {
      if (!rest.Has(1)) return Network::kNone;
      return SkipBytes((std::size_t{rest.data()[0]} + 3) / 4 * 4, rest);
    }
    case kEnc:
      return SkipBytes(12, rest);
    case kFddi:
      if (!rest.Has(13)) return Network::kNone;
      rest.Skip(13);
      return SkipLlc(rest);
    case kTokenRing: {
      if (!rest.Has(14)) return Network::kNone;
      std::size_t header = 14;
      const bool routed = (rest.data()[8] & 0x80) != 0;
      if (routed && rest.Has(15)) header += rest.data()[14] & 0x1f;
      if (!rest.Has(header)) return Network::kNone;
      rest.Skip(header);
      return SkipLlc(rest);
    }
    case kAtm:
      return SkipLlc(rest);
    case kArcnetBsd:
    case kArcnetLinux:
      return SkipArcnet(link_type == kArcnetLinux, rest);
    case kBroadcomTag:
      return SkipTagged(rest);
    default:
      return SkipRareLink(link_type, rest);
  }
}

}  // namespace spoor::packets
