// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What tools that watch a network say, each fact as its source tells it: its own clock, its own
/// idea of who began. Nothing is joined or corrected here.
namespace spoor::event {

/// The two ends of a conversation. Addresses are text in the one form of inet_ntop.
struct FlowEnds {
  std::string source_ip, destination_ip;
  std::optional<std::uint16_t> source_port, destination_port;  ///< absent: there are no ports
  std::string transport;  ///< "tcp", "udp", "icmp" …, or the number of the protocol
  bool operator==(const FlowEnds&) const = default;
  bool known() const { return !source_ip.empty() && !destination_ip.empty(); }
};

/// A conversation, or a part of it, as one observer saw it. What was not told is absent.
struct FlowSighting {
  std::string observer;  ///< "zeek", "suricata", "argus" …
  /// What the observer calls the conversation (Zeek's uid …). Empty: ends and begin tell it apart.
  std::string key;
  FlowEnds ends;
  std::string application;
  std::int64_t begin_wall_ns = 0, end_wall_ns = 0;
  std::optional<std::uint64_t> source_packets, destination_packets;
  std::optional<std::uint64_t> source_bytes, destination_bytes;  ///< what the transport carried
  std::optional<std::uint64_t> source_frame_bytes, destination_frame_bytes;
  std::optional<std::uint64_t> source_retransmitted_bytes, destination_retransmitted_bytes;
  std::optional<std::uint64_t> source_tcp_flags, destination_tcp_flags;  ///< all that were set
  std::optional<std::uint64_t> icmp_error_count;  ///< that its packets caused
  std::string server_name;                        ///< that the client asked for
  std::string client_fingerprint;                 ///< JA4
  std::string state;                              ///< as the observer names it
  std::string community_id;                       ///< as the observer wrote it
};

struct AlertPacket {
  std::optional<std::int64_t> wall_ns;
  std::string data;
};

struct AlertSighting {
  std::string source;  ///< "suricata", "snort", "zeek"
  std::optional<std::uint64_t> generator_id, signature_id;
  std::string signature;
  std::optional<std::uint64_t> priority;
  std::string classification;
  std::int64_t wall_ns = 0;
  std::uint64_t repeat = 0;  ///< how many alerts that say the same came before it in its file
  std::string key;           ///< what the source calls the alert, if it does
  /// The conversation that it is about, as far as the alert tells; begin and end are the alert's.
  FlowSighting flow;
  std::vector<AlertPacket> packets;
};

/// What system an address was taken to have.
struct FingerprintSighting {
  std::string ip, os, method;
  std::int64_t wall_ns = 0;
  FlowSighting flow;  ///< that it was seen on
};

/// What a source says that it could not keep.
struct SourceLoss {
  std::int64_t from_wall_ns = 0, until_wall_ns = 0;
  std::uint64_t count = 0;
  std::string reason;  ///< for people
};

/// A line that says something else.
struct LogLine {
  std::string source;   ///< "zeek dns", "suricata http" …
  std::string host;     ///< where it was written; empty: the host of the import
  std::string program;  ///< who wrote it; empty: it does not say
  std::optional<std::int64_t> wall_ns;
  std::string message;
};

/// Ids of tables. `host` is where the observer stood.
std::int64_t FlowId(std::string_view host, const FlowSighting& flow);
std::int64_t AlertId(std::string_view host, const AlertSighting& alert);

}  // namespace spoor::event
