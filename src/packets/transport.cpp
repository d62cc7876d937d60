// SPDX-License-Identifier: Apache-2.0
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "event/community_id.hpp"
#include "packets/layer_decoder.hpp"

namespace spoor::packets {
namespace {

constexpr std::size_t kTcpHeaderMin = 20;
constexpr std::size_t kUdpHeader = 8;
constexpr std::size_t kSctpHeader = 12;
constexpr std::size_t kIcmpHeader = 8;
constexpr std::uint8_t kUdpLite = 136;

void TakePorts(const Rest& rest, Layer& layer) {
  if (!rest.Has(4)) return;
  layer.ends.has_ports = true;
  layer.ends.source_port = Big16(rest.data());
  layer.ends.destination_port = Big16(rest.data() + 2);
}

/// What is behind `header_bytes` is the payload.
void TakePayload(Rest rest, std::size_t header_bytes, Layer& layer) {
  layer.transport_header = rest.captured.first(std::min(header_bytes, rest.captured.size()));
  layer.payload_bytes =
      static_cast<std::uint32_t>(rest.wire_bytes - std::min(header_bytes, rest.wire_bytes));
  if (rest.Has(header_bytes)) layer.payload = rest.captured.subspan(header_bytes);
}

bool DecodeTcp(const Rest& rest, Layer& layer) {
  TakePorts(rest, layer);
  std::size_t header_bytes = kTcpHeaderMin;
  if (rest.Has(14)) {
    const std::uint8_t* const header = rest.data();
    header_bytes = 4 * std::size_t{static_cast<unsigned>(header[12]) >> 4u};
    if (header_bytes < kTcpHeaderMin) return false;
    layer.has_tcp = true;
    layer.sequence = Big32(header + 4);
    layer.acknowledged = Big32(header + 8);
    layer.tcp_flags = header[13];
  }
  if (header_bytes > rest.wire_bytes && !layer.fragment) return false;
  TakePayload(rest, header_bytes, layer);
  return true;
}

bool DecodeUdp(Rest rest, Layer& layer) {
  if (rest.wire_bytes < kUdpHeader) return false;
  TakePorts(rest, layer);
  if (rest.Has(6) && !layer.fragment && layer.ends.protocol == IPPROTO_UDP) {
    const std::size_t length = Big16(rest.data() + 4);
    if (length != 0 && (length < kUdpHeader || length > rest.wire_bytes)) return false;
    if (length != 0) rest.Limit(length);
  }
  TakePayload(rest, kUdpHeader, layer);
  return true;
}

/// The payload is the user data of the DATA chunks; a chunk beyond what is captured counts by what
/// is left of the packet.
bool DecodeSctp(const Rest& rest, Layer& layer) {
  constexpr std::uint8_t kData = 0, kIData = 64;
  if (rest.wire_bytes < kSctpHeader) return false;
  TakePorts(rest, layer);
  layer.transport_header = rest.captured.first(std::min(kSctpHeader, rest.captured.size()));
  if (!rest.Has(kSctpHeader)) return true;
  Rest chunks = rest;
  chunks.Skip(kSctpHeader);
  while (chunks.Has(4)) {
    const std::uint8_t type = chunks.data()[0];
    const std::size_t length = Big16(chunks.data() + 2);
    if (length < 4 || length > chunks.wire_bytes) break;
    const std::size_t header = type == kIData ? 20 : 16;
    if ((type == kData || type == kIData) && length >= header) {
      layer.payload_bytes += static_cast<std::uint32_t>(length - header);
      if (layer.payload.empty() && chunks.Has(header)) {
        layer.payload =
            chunks.captured.subspan(header, std::min(length, chunks.captured.size()) - header);
      }
    }
    const std::size_t padded = (length + 3) / 4 * 4;
    if (!chunks.Has(padded)) break;
    chunks.Skip(padded);
  }
  return true;
}

bool IsError(std::uint8_t protocol, std::uint8_t type) {
  if (protocol == IPPROTO_ICMPV6) return type < 128;
  return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

bool DecodeIcmp(const Rest& rest, Layer& layer) {
  if (rest.wire_bytes < 4) return false;
  if (!rest.Has(2)) return true;
  const std::uint8_t protocol = layer.ends.protocol;
  layer.icmp_type = rest.data()[0];
  layer.icmp_code = rest.data()[1];
  layer.ends.has_ports = true;
  layer.ends.source_port = layer.icmp_type;
  layer.ends.destination_port =
      event::IcmpCounterpart(protocol, layer.icmp_type).value_or(layer.icmp_code);
  TakePayload(rest, kIcmpHeader, layer);
  if (IsError(protocol, layer.icmp_type)) layer.about = DecodeQuoted(layer.payload);
  return true;
}

}  // namespace

bool DecodeTransport(Rest rest, Layer& layer) {
  switch (layer.ends.protocol) {
    case IPPROTO_TCP:
      return rest.wire_bytes >= kTcpHeaderMin || layer.fragment ? DecodeTcp(rest, layer) : false;
    case IPPROTO_UDP:
    case kUdpLite:
      return DecodeUdp(rest, layer);
    case IPPROTO_SCTP:
      return DecodeSctp(rest, layer);
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      return DecodeIcmp(rest, layer);
    case IPPROTO_DCCP:
      TakePorts(rest, layer);
      TakePayload(rest, rest.Has(5) ? 4 * std::size_t{rest.data()[4]} : 12, layer);
      return true;
    default:
      TakePayload(rest, 0, layer);
      return true;
  }
}

std::optional<Ends> DecodeQuoted(Bytes quoted) {
  if (quoted.empty()) return std::nullopt;
  Ends ends;
  const bool v6 = quoted[0] >> 4u == 6;
  const std::size_t fixed = v6 ? 40 : 20;
  if ((!v6 && quoted[0] >> 4u != 4) || quoted.size() < fixed) return std::nullopt;
  const std::size_t header = v6 ? fixed : 4 * std::size_t{quoted[0] & 0x0fu};
  if (header < fixed || quoted.size() < header + 4) return std::nullopt;
  if (!v6 && (Big16(quoted.data() + 6) & 0x1fff) != 0) return std::nullopt;  // a later fragment
  ends.source.v6 = ends.destination.v6 = v6;
  const std::size_t size = v6 ? 16 : 4;
  std::memcpy(ends.source.bytes.data(), quoted.data() + (v6 ? 8 : 12), size);
  std::memcpy(ends.destination.bytes.data(), quoted.data() + (v6 ? 24 : 16), size);
  ends.protocol = v6 ? quoted[6] : quoted[9];
  const std::uint8_t* const transport = quoted.data() + header;
  switch (ends.protocol) {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_SCTP:
    case IPPROTO_DCCP:
    case kUdpLite:
      ends.has_ports = true;
      ends.source_port = Big16(transport);
      ends.destination_port = Big16(transport + 2);
      return ends;
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      ends.has_ports = true;
      ends.source_port = transport[0];
      ends.destination_port =
          event::IcmpCounterpart(ends.protocol, transport[0]).value_or(transport[1]);
      return ends;
    default:
      return ends;
  }
}

}  // namespace spoor::packets
