// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "packets/bytes.hpp"

namespace spoor::packets {

/// An address of IPv4 (its first four bytes) or IPv6, in network order.
struct Address {
  std::array<std::uint8_t, 16> bytes{};
  bool v6 = false;

  bool operator==(const Address&) const = default;
  Bytes span() const { return Bytes(bytes.data(), v6 ? 16 : 4); }
  /// As inet_ntop writes it.
  std::string Text() const;
};

/// Who sends to whom. Of ICMP and ICMPv6, source_port is the type and destination_port the type of
/// the answer or, where there is none, the code: as in Community ID.
struct Ends {
  Address source, destination;
  std::uint16_t source_port = 0, destination_port = 0;
  std::uint8_t protocol = 0;  ///< IP protocol number
  bool has_ports = false;     ///< also of ICMP

  bool operator==(const Ends&) const = default;
};

enum TcpFlag : std::uint8_t {
  kTcpFin = 0x01,
  kTcpSyn = 0x02,
  kTcpRst = 0x04,
  kTcpPush = 0x08,
  kTcpAck = 0x10,
};

/// One IP packet of a frame.
struct Layer {
  Ends ends;
  std::uint32_t payload_bytes = 0;   ///< what the transport carries, by the lengths of IP
  Bytes payload;                     ///< of it, what was captured and is whole with its beginning
  Bytes network_header;              ///< of IP, up to the transport, as far as captured
  Bytes transport_header;            ///< as far as captured; empty of a later fragment
  std::uint32_t identification = 0;  ///< of a fragmented packet
  bool fragment = false;             ///< one part of a packet
  bool later_fragment = false;       ///< not its first part: there is no transport header
  bool has_tcp = false;              ///< the next three are known
  std::uint8_t tcp_flags = 0;
  std::uint32_t sequence = 0, acknowledged = 0;
  std::uint8_t icmp_type = 0, icmp_code = 0;
  /// IP protocol of what carried this packet inside another; 0: it came alone.
  std::uint8_t carrier = 0;
  /// Of an ICMP error: the packet that it is about, as its sender sent it.
  std::optional<Ends> about;
};

enum class Verdict : std::uint8_t {
  kDecoded,
  kNotDecoded,  ///< no IP, or a link type that is not known
  kMalformed,   ///< headers that contradict each other or the frame
};

/// The IP packets of a frame, the outermost first. `data` and what points into it live as long as
/// the frame.
struct Frame {
  static constexpr std::size_t kLayersMax = 4;
  std::array<Layer, kLayersMax> layers;
  std::size_t layer_count = 0;
  Verdict verdict = Verdict::kNotDecoded;
};

/// Decodes one frame: `captured` of a frame of `wire_bytes` (at least as many) on the wire.
/// Link types: Ethernet, 802.11 (bare, radiotap, Prism, AVS, PPI), Linux cooked v1 and v2, BSD
/// loopback of both kinds, raw IP, PPP, Cisco HDLC, frame relay, NFLOG, PFLOG, ENC, FDDI, token
/// ring, ATM, ARCNET, tagged by a Broadcom switch; between: VLAN tags, PPPoE, MPLS, LLC and SNAP.
/// Inside of IP: GRE (with ERSPAN), IP in IP, EtherIP, AH, MPLS, VXLAN, GENEVE, Teredo, GTP-U.
/// A packet in a tunnel over IP alone replaces the packet that carries it, one in a tunnel over UDP
/// comes after it. Takes bounded time, allocates nothing; `frame` is overwritten.
void DecodeFrame(std::uint16_t link_type, Bytes captured, std::uint32_t wire_bytes, Frame& frame);

}  // namespace spoor::packets
