// SPDX-License-Identifier: Apache-2.0
// Link types: www.tcpdump.org/linktypes.html.
#include "packets/rare_links.hpp"

namespace spoor::packets {
namespace {

enum LinkType : std::uint16_t {
  kEthernet = 1,
  kSlip = 8,
  kPpp = 9,
  kSlipOfBsd = 15,
  kAtmClip = 106,
  kLlc = 100,
  kCiscoHdlc = 104,
  kFrameRelay = 107,
  kIpOverFibreChannel = 122,
  kSunAtm = 123,
  kIpOverFirewire = 138,
  kOldPktap = 149,
  kPppOfPppd = 166,
  kJuniperEthernet = 178,
  kJuniperPpp = 179,
  kJuniperFrameRelay = 180,
  kJuniperHdlc = 181,
  kPppWithDirection = 204,
  kHdlcWithDirection = 205,
  kFrameRelayWithDirection = 206,
  kMpls = 219,
  kIpnet = 226,
  kNetAnalyzer = 240,
  kNetAnalyzerWithPreamble = 241,
  kIpOverInfiniband = 242,
  kPktap = 258,
  kMpacket = 274,
  kBroadcomPrefix = 282,
  kMarvellTag = 283,
  kMarvellEtherTag = 284,
};
enum EtherType : std::uint16_t {
  kTrill = 0x22f3,
  kMplsType = 0x8847,
  kMacsec = 0x88e5,
  kFabricPath = 0x8903,
  kVnTag = 0x8926,
  kHsr = 0x892f,
  kNsh = 0x894f,
  kRedundancyTag = 0xf1c1,
};
constexpr std::uint16_t kEtherTypeMin = 0x0600;
constexpr unsigned kNestedMax = 32;

/// Another link behind `header_bytes`.
Network Behind(std::size_t header_bytes, std::uint16_t link_type, Rest& rest) {
  if (++rest.nested_count > kNestedMax || !rest.Has(header_bytes)) return Network::kNone;
  rest.Skip(header_bytes);
  return SkipLink(link_type, rest);
}

Network IpBehind(std::size_t header_bytes, Rest& rest) {
  if (!rest.Has(header_bytes)) return Network::kNone;
  rest.Skip(header_bytes);
  return Network::kIp;
}

/// A header of `header_bytes` in which the EtherType stands at `type_at`.
Network TypeAt(std::size_t type_at, std::size_t header_bytes, Rest& rest) {
  if (!rest.Has(header_bytes)) return Network::kNone;
  const std::uint16_t type = Big16(rest.data() + type_at);
  rest.Skip(header_bytes);
  return type < kEtherTypeMin ? SkipLink(kLlc, rest) : SkipEtherType(type, rest);
}

/// Darwin's: how long its header is, whether a packet follows, and of which link, little-endian.
Network SkipPktap(Rest& rest) {
  if (!rest.Has(12)) return Network::kNone;
  const auto number = [&](std::size_t at) {
    const std::uint8_t* const p = rest.data() + at;
    return std::uint32_t{p[0]} | std::uint32_t{p[1]} << 8 | std::uint32_t{p[2]} << 16 |
           std::uint32_t{p[3]} << 24;
  };
  const std::uint32_t length = number(0), next = number(4), link_type = number(8);
  if (length < 12) return Network::kMalformed;
  if (next != 1 || link_type > 0xffff || link_type == kPktap || link_type == kOldPktap) {
    return Network::kNone;
  }
  return Behind(length, static_cast<std::uint16_t>(link_type), rest);
}

/// "MGC", flags, and extensions where a flag says so. Without the header of the link nothing says
/// what follows.
Network SkipJuniper(std::uint16_t link_type, Rest& rest) {
  constexpr std::uint8_t kNoLink = 0x02, kExtensions = 0x80;
  if (!rest.Has(6) || Big24(rest.data()) != 0x4d4743) return Network::kNone;
  const std::uint8_t flags = rest.data()[3];
  if ((flags & kNoLink) != 0) return Network::kNone;
  const std::size_t header =
      (flags & kExtensions) != 0 ? 6 + std::size_t{Big16(rest.data() + 4)} : 4;
  return Behind(header, link_type, rest);
}

}  // namespace

Network SkipRareLink(std::uint16_t link_type, Rest& rest) {
  switch (link_type) {
    case kSlip:
      return IpBehind(16, rest);
    case kSlipOfBsd:
      return IpBehind(24, rest);
    case kAtmClip: {
      const bool llc = rest.Has(3) && Big24(rest.data()) == 0xaaaa03;
      return llc ? SkipLink(kLlc, rest) : Network::kIp;
    }
    case kIpOverFibreChannel:
      return Behind(16, kLlc, rest);
    case kSunAtm: {
      constexpr std::uint8_t kIsLlc = 2;
      const bool llc = rest.Has(4) && (rest.data()[0] & 0x0f) == kIsLlc;
      return llc ? Behind(4, kLlc, rest) : Network::kNone;
    }
    case kIpOverFirewire:
      return TypeAt(16, 18, rest);
    case kPppOfPppd:  // the address is the direction, the control field as ever
      return Behind(rest.Has(2) && rest.data()[1] == 0x03 ? 2 : 1, kPpp, rest);
    case kPppWithDirection:
      return Behind(1, kPpp, rest);
    case kHdlcWithDirection:
      return Behind(1, kCiscoHdlc, rest);
    case kFrameRelayWithDirection:
      return Behind(1, kFrameRelay, rest);
    case kJuniperEthernet:
      return SkipJuniper(kEthernet, rest);
    case kJuniperPpp:
      return SkipJuniper(kPpp, rest);
    case kJuniperFrameRelay:
      return SkipJuniper(kFrameRelay, rest);
    case kJuniperHdlc:
      return SkipJuniper(kCiscoHdlc, rest);
    case kMpls:
      return SkipEtherType(kMplsType, rest);
    case kIpnet:  // of Solaris: version 1, lengths and zones
      return rest.Has(1) && rest.data()[0] == 1 ? IpBehind(24, rest) : Network::kNone;
    case kNetAnalyzer:
      return Behind(4, kEthernet, rest);
    case kNetAnalyzerWithPreamble:
      return Behind(12, kEthernet, rest);
    case kIpOverInfiniband:
      return TypeAt(40, 44, rest);
    case kOldPktap:
    case kPktap:
      return SkipPktap(rest);
    case kMpacket:
      return Behind(8, kEthernet, rest);
    case kBroadcomPrefix:
      return Behind(4, kEthernet, rest);
    case kMarvellTag:
      return TypeAt(16, 18, rest);
    case kMarvellEtherTag:
      return TypeAt(20, 22, rest);
    default:
      return Network::kNone;
  }
}

Network SkipRareTag(std::uint16_t ether_type, Rest& rest) {
  switch (ether_type) {
    case kVnTag:
    case kHsr:
    case kRedundancyTag:
      return TypeAt(4, 6, rest);
    case kMacsec: {
      constexpr std::uint8_t kEncryptedOrChanged = 0x0c, kHasChannel = 0x20;
      if (!rest.Has(1) || (rest.data()[0] & kEncryptedOrChanged) != 0) return Network::kNone;
      const std::size_t tag = (rest.data()[0] & kHasChannel) != 0 ? 14 : 6;
      return TypeAt(tag, tag + 2, rest);
    }
    case kFabricPath:
      return Behind(2, kEthernet, rest);
    case kTrill: {
      if (!rest.Has(2)) return Network::kNone;
      const std::size_t options = 4 * std::size_t{(Big16(rest.data()) >> 6u) & 0x1fu};
      return Behind(6 + options, kEthernet, rest);
    }
    case kNsh: {
      if (!rest.Has(8)) return Network::kNone;
      const std::size_t length = 4 * std::size_t{rest.data()[1] & 0x3fu};
      const std::uint8_t next = rest.data()[3];
      if (length < 8) return Network::kMalformed;
      if (next == 3) return Behind(length, kEthernet, rest);
      return next == 1 || next == 2 ? IpBehind(length, rest) : Network::kNone;
    }
    default:
      return Network::kNone;
  }
}

}  // namespace spoor::packets
