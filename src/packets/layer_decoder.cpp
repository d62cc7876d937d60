// SPDX-License-Identifier: Apache-2.0
#include "packets/layer_decoder.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "event/community_id.hpp"

namespace spoor::packets {
namespace {

constexpr std::size_t kIpv4HeaderMin = 20;
constexpr std::size_t kIpv6Header = 40;
// Tunnels in tunnels: what is deeper is not looked into.
constexpr unsigned kTunnelCost = 4;
constexpr unsigned kTunnelNestedMax = 16;

Address AddressAt(const std::uint8_t* at, bool v6) {
  Address address{.v6 = v6};
  std::memcpy(address.bytes.data(), at, v6 ? 16 : 4);
  return address;
}

Verdict DecodeIpv4(Rest& rest, Layer& layer) {
  if (rest.wire_bytes < kIpv4HeaderMin) return Verdict::kMalformed;
  if (!rest.Has(kIpv4HeaderMin)) return Verdict::kNotDecoded;
  const std::uint8_t* const header = rest.data();
  const std::size_t header_bytes = 4 * std::size_t{header[0] & 0x0fu};
  std::size_t total = Big16(header + 2);
  if (total == 0) total = rest.wire_bytes;  // cut into packets by the network card, behind us
  if (header_bytes < kIpv4HeaderMin || total < header_bytes || total > rest.wire_bytes) {
    return Verdict::kMalformed;
  }
  if (!rest.Has(header_bytes)) return Verdict::kNotDecoded;
  const std::uint16_t fragment = Big16(header + 6);
  layer.fragment = (fragment & 0x3fff) != 0;
  layer.later_fragment = (fragment & 0x1fff) != 0;
  layer.identification = Big16(header + 4);
  layer.ends.protocol = header[9];
  layer.ends.source = AddressAt(header + 12, false);
  layer.ends.destination = AddressAt(header + 16, false);
  rest.Limit(total);
  layer.network_header = rest.captured.first(header_bytes);
  rest.Skip(header_bytes);
  return Verdict::kDecoded;
}

Verdict DecodeIpv6(Rest& rest, Layer& layer) {
  if (rest.wire_bytes < kIpv6Header) return Verdict::kMalformed;
  if (!rest.Has(kIpv6Header)) return Verdict::kNotDecoded;
  const std::uint8_t* const header = rest.data();
  const Bytes whole = rest.captured;
  const std::size_t payload = Big16(header + 4);
  layer.ends.source = AddressAt(header + 8, true);
  layer.ends.destination = AddressAt(header + 24, true);
  std::uint8_t next = header[6];
  rest.Skip(kIpv6Header);
  if (payload > rest.wire_bytes) return Verdict::kMalformed;
  if (payload != 0) rest.Limit(payload);  // 0: as in IPv4, or a jumbogram
  for (;;) {
    std::size_t length = 0;
    switch (next) {
      case IPPROTO_HOPOPTS:
      case IPPROTO_ROUTING:
      case IPPROTO_DSTOPTS:
      case 135:  // mobility
      case 139:  // host identity
      case 140:  // shim6
        if (!rest.Has(2)) return Verdict::kNotDecoded;
        length = 8 * (std::size_t{rest.data()[1]} + 1);
        break;
      case IPPROTO_FRAGMENT:
        if (!rest.Has(8)) return Verdict::kNotDecoded;
        layer.identification = Big32(rest.data() + 4);
        layer.later_fragment = (Big16(rest.data() + 2) & 0xfff8) != 0;
        layer.fragment = (Big16(rest.data() + 2) & 0xfff9) != 0;
        length = 8;
        break;
      default:
        layer.ends.protocol = next;
        layer.network_header = whole.first(whole.size() - rest.captured.size());
        return Verdict::kDecoded;
    }
    if (length > rest.wire_bytes) return Verdict::kMalformed;
    if (!rest.Has(length)) return Verdict::kNotDecoded;
    const bool fragment = next == IPPROTO_FRAGMENT;
    next = rest.data()[0];
    rest.Skip(length);
    if (fragment && layer.later_fragment) {
      layer.ends.protocol = next;
      layer.network_header = whole.first(whole.size() - rest.captured.size());
      return Verdict::kDecoded;
    }
  }
}

/// RFC 4302: what follows is not encrypted. False: it cannot be what it says.
bool SkipAuthentication(Rest& rest, Layer& layer) {
  while (layer.ends.protocol == IPPROTO_AH && rest.Has(2)) {
    const std::size_t length = 4 * (std::size_t{rest.data()[1]} + 2);
    if (length > rest.wire_bytes) return false;
    if (!rest.Has(length)) return true;
    layer.ends.protocol = rest.data()[0];
    rest.Skip(length);
  }
  return true;
}

}  // namespace

Verdict DecodeIp(Rest rest, std::uint8_t carrier, Frame& frame) {
  if (frame.layer_count >= Frame::kLayersMax || !rest.Has(1)) return Verdict::kNotDecoded;
  Layer layer;
  layer.carrier = carrier;
  const unsigned version = rest.data()[0] >> 4u;
  if (version != 4 && version != 6) return Verdict::kMalformed;
  const Verdict verdict = version == 4 ? DecodeIpv4(rest, layer) : DecodeIpv6(rest, layer);
  if (verdict != Verdict::kDecoded) return verdict;
  if (layer.later_fragment) {
    layer.payload_bytes = static_cast<std::uint32_t>(rest.wire_bytes);
    frame.layers[frame.layer_count++] = layer;
    return Verdict::kDecoded;
  }
  if (!SkipAuthentication(rest, layer)) return Verdict::kMalformed;
  const std::uint8_t protocol = layer.ends.protocol;
  Rest inside = rest;
  if (inside.nested_count < kTunnelNestedMax && SkipIpTunnel(protocol, inside)) {
    inside.nested_count += kTunnelCost;
    if (DecodeIp(inside, protocol, frame) == Verdict::kDecoded) return Verdict::kDecoded;
  }
  if (!DecodeTransport(rest, layer)) return Verdict::kMalformed;
  frame.layers[frame.layer_count++] = layer;
  if (protocol == IPPROTO_UDP && !layer.payload.empty()) {
    inside = rest;
    inside.Limit(8 + std::size_t{layer.payload_bytes});
    inside.Skip(8);
    if (SkipUdpTunnel(layer.ends.source_port, layer.ends.destination_port, inside)) {
      static_cast<void>(DecodeIp(inside, protocol, frame));
    }
  }
  return Verdict::kDecoded;
}

}  // namespace spoor::packets
