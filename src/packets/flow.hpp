// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "packets/conversation.hpp"
#include "packets/frame.hpp"
#include "packets/sequence_tracker.hpp"

namespace spoor::packets {

/// What one end of a flow sent.
struct FlowSide {
  std::uint64_t packet_count = 0;
  std::uint64_t frame_bytes = 0;          ///< frames whole, as on the wire
  std::uint64_t payload_bytes = 0;        ///< what the transport carried, nothing twice
  std::uint64_t retransmitted_bytes = 0;  ///< TCP: payload that was sent again
  std::uint8_t tcp_flags = 0;             ///< all that were seen
  // TCP, in the order of what happened:
  bool syn = false;      ///< SYN without ACK
  bool syn_ack = false;  ///< SYN with ACK
  bool fin = false;
  bool reset = false;                   ///< RST, and no FIN before it
  std::uint32_t first_sequence = 0;     ///< of the SYN
  std::uint16_t segment_bytes_max = 0;  ///< MSS that its SYN told; 0: it did not
  SequenceTracker sequence;
};

/// One conversation between two ends, as its packets tell of it.
struct Flow {
  std::int64_t flow_id = 0;
  Ends ends;  ///< source: who began
  std::int64_t begin_wall_ns = 0, end_wall_ns = 0;
  std::int64_t first_wall_ns = 0;  ///< of the first packet in the capture
  std::uint64_t depth = 0;         ///< in how many tunnels it is
  /// How many flows with the same ends, depth and first microsecond the capture had before.
  std::uint64_t repeat = 0;
  std::uint64_t first_offset = 0, last_offset = 0;  ///< of records in the capture
  FlowSide source, destination;
  std::uint64_t icmp_error_count = 0;  ///< ICMP errors about packets of this flow
  std::uint8_t icmp_error_type = 0, icmp_error_code = 0;  ///< of the last
  std::uint8_t icmp_type = 0, icmp_code = 0;   ///< of a flow of ICMP: of its first packet
  std::uint8_t carrier = 0;                    ///< as Layer::carrier
  std::unique_ptr<Conversation> conversation;  ///< null: no payload was seen

  bool IsTcp() const { return ends.protocol == 6; }
  bool established() const { return source.syn && destination.syn_ack; }
  /// Nothing more is expected: both ends said so, or one broke off.
  bool over() const { return (source.fin && destination.fin) || source.reset || destination.reset; }
  /// The state in the words of Zeek's conn_state: TCP: S0 attempted, REJ refused, S1 established,
  /// S2 and S3 half closed by source and destination, SF closed, RSTO and RSTR reset by source and
  /// destination, RSTOS0, RSTRH, SH, SHR: reset or closed while one end was never heard, OTH: begun
  /// before the capture. UDP and SCTP: S0 not answered, SF answered. Others: OTH.
  std::string_view State() const;
  std::string CommunityId() const;
  /// What tells it apart from all others between its ends, wherever its packets are captured again.
  std::string Key() const;
  /// 'tcp', 'udp', 'icmp', 'icmp6', 'sctp' …; the number where there is no name.
  std::string Transport() const;
};

/// Takes what a TCP segment from the source (`forward`) or destination says. Returns the bytes of
/// its payload that were not seen before.
std::uint32_t FollowTcp(Flow& flow, bool forward, const Layer& segment);

/// Whether `segment`, which has the ends of `flow`, begins another connection.
bool BeginsAnother(const Flow& flow, bool forward, const Layer& segment);

}  // namespace spoor::packets
