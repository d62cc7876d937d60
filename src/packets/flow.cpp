// SPDX-License-Identifier: Apache-2.0
#include "packets/flow.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <utility>

#include "event/community_id.hpp"

namespace spoor::packets {
namespace {

std::string_view TcpState(const Flow& flow) {
  const FlowSide& source = flow.source;
  const FlowSide& destination = flow.destination;
  const bool source_heard = source.syn || source.syn_ack;
  const bool destination_heard = destination.syn || destination.syn_ack;
  const bool carried = source.payload_bytes != 0 || destination.payload_bytes != 0;
  if (destination.reset) {
    const bool refused = source.syn && !destination_heard && !carried && !source.fin;
    const bool both = source.reset && !carried;
    if (refused || both) return "REJ";
    return source_heard || source.fin ? "RSTR" : "RSTRH";
  }
  if (source.reset) return destination_heard || destination.fin ? "RSTO" : "RSTOS0";
  if (source.fin && destination.fin) return "SF";
  if (source.fin) return destination_heard ? "S2" : "SH";
  if (destination.fin) return source_heard ? "S3" : "SHR";
  if (flow.established()) return "S1";
  if (source.syn && destination.packet_count == 0) return "S0";
  return "OTH";
}

/// What the options of a SYN say; 0: nothing.
std::uint16_t SegmentBytesMax(Bytes header) {
  constexpr std::size_t kHeaderMin = 20;
  constexpr std::uint8_t kNop = 1, kSegment = 2;
  if (header.size() < kHeaderMin) return 0;
  for (Bytes options = header.subspan(kHeaderMin); options.size() >= 4;) {
    if (options[0] == kSegment) return options[1] == 4 ? Big16(options.data() + 2) : 0;
    const std::size_t length = options[0] == kNop ? 1 : options[1];
    if (options[0] == 0 || length == 0 || length > options.size()) break;
    options = options.subspan(length);
  }
  return 0;
}

}  // namespace

std::string_view Flow::State() const {
  switch (ends.protocol) {
    case IPPROTO_TCP:
      return TcpState(*this);
    case IPPROTO_UDP:
    case IPPROTO_SCTP:
      return destination.packet_count == 0 ? "S0" : "SF";
    default:
      return "OTH";
  }
}

std::string Flow::CommunityId() const {
  const auto port = [&](std::uint16_t number) {
    return ends.has_ports ? std::optional(number) : std::nullopt;
  };
  return event::CommunityIdOfBytes(ends.protocol, ends.source.span(), port(ends.source_port),
                                   ends.destination.span(), port(ends.destination_port));
}

// Microseconds, for a capture that is written again often has no more.
std::string Flow::Key() const {
  return fmt::format("{} {} {}", first_wall_ns / 1000, depth, repeat);
}

std::string Flow::Transport() const {
  switch (ends.protocol) {
    case IPPROTO_TCP:
      return "tcp";
    case IPPROTO_UDP:
      return "udp";
    case IPPROTO_ICMP:
      return "icmp";
    case IPPROTO_ICMPV6:
      return "icmp6";
    case IPPROTO_SCTP:
      return "sctp";
    case IPPROTO_IGMP:
      return "igmp";
    case IPPROTO_GRE:
      return "gre";
    case IPPROTO_ESP:
      return "esp";
    default:
      return fmt::format("{}", ends.protocol);
  }
}

std::uint32_t FollowTcp(Flow& flow, bool forward, const Layer& segment) {
  FlowSide& side = forward ? flow.source : flow.destination;
  if (!segment.has_tcp) return segment.payload_bytes;
  const std::uint8_t flags = segment.tcp_flags;
  const bool syn = (flags & kTcpSyn) != 0;
  side.tcp_flags |= flags;
  if (syn) {
    bool& seen = (flags & kTcpAck) != 0 ? side.syn_ack : side.syn;
    if (!side.syn && !side.syn_ack) {
      side.first_sequence = segment.sequence;
      side.segment_bytes_max = SegmentBytesMax(segment.transport_header);
    }
    seen = true;
  }
  // The SYN has a number of its own, before that of the first byte.
  const std::uint32_t first_byte = segment.sequence + (syn ? 1 : 0);
  if (!side.sequence.started()) side.sequence.Start(first_byte);
  const std::uint32_t fresh = side.sequence.Take(first_byte, segment.payload_bytes);
  side.retransmitted_bytes += segment.payload_bytes - fresh;
  if ((flags & kTcpRst) != 0 && !side.fin) side.reset = true;
  if ((flags & kTcpFin) != 0) side.fin = true;
  return fresh;
}

bool BeginsAnother(const Flow& flow, bool forward, const Layer& segment) {
  if (!segment.has_tcp || (segment.tcp_flags & (kTcpSyn | kTcpAck)) != kTcpSyn) return false;
  const FlowSide& side = forward ? flow.source : flow.destination;
  const FlowSide& other = forward ? flow.destination : flow.source;
  if (side.syn) {  // sent again, or for a connection of its own
    return side.first_sequence != segment.sequence && (flow.over() || other.syn_ack);
  }
  if (flow.over()) return true;
  // The answer to this SYN came first, as captures on several queues have it.
  const bool answered = other.syn_ack && !side.syn_ack && side.packet_count == 0;
  return !answered && side.packet_count != 0;
}

}  // namespace spoor::packets
