// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "schema/row_cells.hpp"
#include "schema/table.hpp"

/// What the network saw, and which process did it.
namespace spoor::schema {

/// One conversation as one observer saw it; rows of several observers share a connection_id.
struct FlowRow {
  Integer flow_id;
  Integer host_id;
  Text observer;
  Text source_ip;
  IntegerOrNull source_port;
  Text destination_ip;
  IntegerOrNull destination_port;
  Text transport;
  TextOrNull application;
  Integer begin_wall_ns;
  Integer end_wall_ns;
  IntegerOrNull source_packets;
  IntegerOrNull destination_packets;
  IntegerOrNull source_bytes;
  IntegerOrNull destination_bytes;
  IntegerOrNull source_frame_bytes;
  IntegerOrNull destination_frame_bytes;
  IntegerOrNull source_retransmitted_bytes;
  IntegerOrNull destination_retransmitted_bytes;
  IntegerOrNull source_tcp_flags;
  IntegerOrNull destination_tcp_flags;
  IntegerOrNull icmp_error_count;
  TextOrNull server_name;
  TextOrNull client_fingerprint;
  TextOrNull state;
  TextOrNull community_id;
  IntegerOrNull connection_id;
  TextOrNull direction;
  IntegerOrNull begin_boot_ns;
  Text recording_id;
  Integer revision;
};
template <>
struct Declaration<FlowRow> {
  static constexpr std::string_view kName = "flow";
  static constexpr std::string_view kMeaning =
      "One conversation as one observer saw it; rows of several observers share a connection_id.";
  static constexpr Split kSplit = Split::kFlush;
  static constexpr std::array kSortOrders{SortOrder{"flow", "flow_id"}};
  static constexpr auto kColumns = std::tuple{
      Column<&FlowRow::flow_id>{Measure::kId, Merge::kKey,
                                "The flow; of the sensor: the object_id of the socket, a number of "
                                "its own for further ends"},
      Column<&FlowRow::host_id>{Measure::kId, Merge::kAny, "The host that saw it"},
      Column<&FlowRow::observer>{
          Measure::kNone, Merge::kAny,
          "Who saw it: 'sensor' (sockets), 'packets', or the tool whose log it is from"},
      Column<&FlowRow::source_ip>{Measure::kNone, Merge::kFirst, "Who began it"},
      Column<&FlowRow::source_port>{Measure::kNone, Merge::kFirst,
                                    "Who began it; NULL: the transport has no ports"},
      Column<&FlowRow::destination_ip>{Measure::kNone, Merge::kFirst, "The other end"},
      Column<&FlowRow::destination_port>{Measure::kNone, Merge::kFirst,
                                         "The other end; NULL: the transport has no ports"},
      Column<&FlowRow::transport>{Measure::kNone, Merge::kAny,
                                  "'tcp', 'udp' and so on, or the number"},
      Column<&FlowRow::application>{Measure::kNone, Merge::kLatest,
                                    "What was spoken; NULL: not known"},
      Column<&FlowRow::begin_wall_ns>{Measure::kWallNs, Merge::kMin,
                                      "First activity that was seen"},
      Column<&FlowRow::end_wall_ns>{Measure::kWallNs, Merge::kMax, "Last activity that was seen"},
      Column<&FlowRow::source_packets>{Measure::kCount, Merge::kTotal,
                                       "Sent by the source; NULL: nobody saw packets"},
      Column<&FlowRow::destination_packets>{Measure::kCount, Merge::kTotal,
                                            "Sent by the destination; NULL: nobody saw packets"},
      Column<&FlowRow::source_bytes>{
          Measure::kBytes, Merge::kTotal,
          "What the transport carried from the source, nothing twice; NULL: not known"},
      Column<&FlowRow::destination_bytes>{
          Measure::kBytes, Merge::kTotal,
          "What the transport carried from the destination, nothing twice; NULL: not known"},
      Column<&FlowRow::source_frame_bytes>{Measure::kBytes, Merge::kTotal,
                                           "Frames of the source, whole; NULL: nobody saw packets"},
      Column<&FlowRow::destination_frame_bytes>{
          Measure::kBytes, Merge::kTotal,
          "Frames of the destination, whole; NULL: nobody saw packets"},
      Column<&FlowRow::source_retransmitted_bytes>{
          Measure::kBytes, Merge::kTotal,
          "Payload that the source sent again; NULL: nobody looked"},
      Column<&FlowRow::destination_retransmitted_bytes>{
          Measure::kBytes, Merge::kTotal,
          "Payload that the destination sent again; NULL: nobody looked"},
      Column<&FlowRow::source_tcp_flags>{
          Measure::kNone, Merge::kMax,
          "All that the source set: 1 FIN, 2 SYN, 4 RST, 8 PSH, 16 ACK …; NULL: nobody looked"},
      Column<&FlowRow::destination_tcp_flags>{Measure::kNone, Merge::kMax,
                                              "The same of the destination; NULL: nobody looked"},
      Column<&FlowRow::icmp_error_count>{
          Measure::kCount, Merge::kTotal,
          "ICMP errors that its packets caused; NULL: nobody looked"},
      Column<&FlowRow::server_name>{Measure::kNone, Merge::kLatest,
                                    "That the client asked for (TLS); NULL: not seen"},
      Column<&FlowRow::client_fingerprint>{Measure::kNone, Merge::kLatest,
                                           "JA4 of the client; NULL: not seen"},
      Column<&FlowRow::state>{Measure::kNone, Merge::kLatest,
                              "As the observer names it; of the sensor, for TCP: 'connected', or "
                              "how the attempt ended: "
                              "'refused', 'failed', 'attempted' (not seen)"},
      Column<&FlowRow::community_id>{Measure::kNone, Merge::kAny, "Community ID v1"},
      Column<&FlowRow::connection_id>{
          Measure::kId, Merge::kLatest,
          "The same for all observers of one conversation; in segments NULL"},
      Column<&FlowRow::direction>{Measure::kNone, Merge::kFirst,
                                  "'inbound' or 'outbound' from the host; NULL: not known"},
      Column<&FlowRow::begin_boot_ns>{
          Measure::kBootNs, Merge::kMin,
          "First activity that was seen; NULL: the observer has no boot clock"},
      Column<&FlowRow::recording_id>{Measure::kNone, Merge::kLatest,
                                     "The recording that knows most of it"},
      Column<&FlowRow::revision>{Measure::kNone, Merge::kRevision,
                                 "The event_id up to which this row knows"}};
};

/// One process that took part in a flow.
struct FlowProcessRow {
  Integer flow_id;
  Integer process_id;
  IntegerOrNull object_id;
  IntegerOrNull fd;
  IntegerOrNull uid;
  IntegerOrNull first_wall_ns;
  Real confidence;
  Text reason;
  Integer revision;
};
template <>
struct Declaration<FlowProcessRow> {
  static constexpr std::string_view kName = "flow_process";
  static constexpr std::string_view kMeaning = "One process that took part in a flow.";
  static constexpr Split kSplit = Split::kFlush;
  static constexpr std::array kSortOrders{SortOrder{"flow_process", "flow_id, process_id"}};
  static constexpr auto kColumns = std::tuple{
      Column<&FlowProcessRow::flow_id>{Measure::kId, Merge::kKey, "The flow"},
      Column<&FlowProcessRow::process_id>{Measure::kId, Merge::kKey, "Who took part"},
      Column<&FlowProcessRow::object_id>{Measure::kId, Merge::kFirst,
                                         "Its socket; NULL: not known"},
      Column<&FlowProcessRow::fd>{
          Measure::kNone, Merge::kFirst,
          "Descriptor of the socket when it was first used; NULL: not known"},
      Column<&FlowProcessRow::uid>{Measure::kNone, Merge::kFirst,
                                   "Real user at that moment; NULL: not known"},
      Column<&FlowProcessRow::first_wall_ns>{
          Measure::kWallNs, Merge::kMin, "When it was first seen with the flow; NULL: not known"},
      Column<&FlowProcessRow::confidence>{Measure::kNone, Merge::kMax, "0 to 1"},
      Column<&FlowProcessRow::reason>{Measure::kNone, Merge::kFirst,
                                      "Why this is believed, in words; never empty"},
      Column<&FlowProcessRow::revision>{Measure::kNone, Merge::kRevision,
                                        "The event_id up to which this row knows"}};
};

/// One alert of an intrusion detection system.
struct AlertRow {
  Integer alert_id;
  Text source;
  IntegerOrNull generator_id;
  IntegerOrNull signature_id;
  Text signature;
  IntegerOrNull priority;
  TextOrNull classification;
  Integer wall_ns;
  IntegerOrNull flow_id;
  IntegerOrNull process_id;
  Real confidence;
  Text reason;
  Integer revision;
};
template <>
struct Declaration<AlertRow> {
  static constexpr std::string_view kName = "alert";
  static constexpr std::string_view kMeaning = "One alert of an intrusion detection system.";
  static constexpr Split kSplit = Split::kFlush;
  static constexpr std::array kSortOrders{SortOrder{"alert", "wall_ns, alert_id"}};
  static constexpr auto kColumns = std::tuple{
      Column<&AlertRow::alert_id>{Measure::kId, Merge::kKey, "The alert"},
      Column<&AlertRow::source>{Measure::kNone, Merge::kAny, "Who raised it"},
      Column<&AlertRow::generator_id>{
          Measure::kNone, Merge::kAny,
          "Part of the source that raised it; NULL: the source has no parts"},
      Column<&AlertRow::signature_id>{Measure::kNone, Merge::kAny,
                                      "Number of the rule; NULL: it has none"},
      Column<&AlertRow::signature>{Measure::kNone, Merge::kAny, "The rule in words"},
      Column<&AlertRow::priority>{Measure::kNone, Merge::kAny,
                                  "As the source counts; NULL: not told"},
      Column<&AlertRow::classification>{Measure::kNone, Merge::kAny,
                                        "As the source names it; NULL: not told"},
      Column<&AlertRow::wall_ns>{Measure::kWallNs, Merge::kAny, "When it was raised"},
      Column<&AlertRow::flow_id>{Measure::kId, Merge::kLatest,
                                 "The flow that it is about; NULL: not found"},
      Column<&AlertRow::process_id>{Measure::kId, Merge::kLatest,
                                    "The process that it is about; NULL: not found"},
      Column<&AlertRow::confidence>{Measure::kNone, Merge::kLatest, "0 to 1, of flow and process"},
      Column<&AlertRow::reason>{Measure::kNone, Merge::kLatest,
                                "Why they are believed or were not found, in words; never empty"},
      Column<&AlertRow::revision>{Measure::kNone, Merge::kRevision,
                                  "The event_id up to which this row knows"}};
};

/// One packet that came with an alert.
struct AlertPacketRow {
  Integer alert_id;
  IntegerOrNull wall_ns;
  BytesCell data;
  Integer repeat;
};
template <>
struct Declaration<AlertPacketRow> {
  static constexpr std::string_view kName = "alert_packet";
  static constexpr std::string_view kMeaning = "One packet that came with an alert.";
  static constexpr Split kSplit = Split::kFlush;
  static constexpr std::array kSortOrders{SortOrder{"alert_packet", "alert_id"}};
  static constexpr auto kColumns =
      std::tuple{Column<&AlertPacketRow::alert_id>{Measure::kId, Merge::kKey, "The alert"},
                 Column<&AlertPacketRow::wall_ns>{Measure::kWallNs, Merge::kKey,
                                                  "When it was seen; NULL: not told"},
                 Column<&AlertPacketRow::data>{Measure::kNone, Merge::kKey,
                                               "Its bytes, as the source gave them"},
                 Column<&AlertPacketRow::repeat>{
                     Measure::kCount, Merge::kKey,
                     "How many packets of the alert that are the same came before it"}};
};

/// One guess at what system has an address.
struct FingerprintRow {
  Text ip;
  Text os;
  Text method;
  Integer wall_ns;
  Integer repeat;
  IntegerOrNull flow_id;
};
template <>
struct Declaration<FingerprintRow> {
  static constexpr std::string_view kName = "fingerprint";
  static constexpr std::string_view kMeaning = "One guess at what system has an address.";
  static constexpr Split kSplit = Split::kFlush;
  static constexpr std::array kSortOrders{SortOrder{"fingerprint", "ip, wall_ns"}};
  static constexpr auto kColumns = std::tuple{
      Column<&FingerprintRow::ip>{Measure::kNone, Merge::kKey, "The address"},
      Column<&FingerprintRow::os>{Measure::kNone, Merge::kKey, "What system that is"},
      Column<&FingerprintRow::method>{Measure::kNone, Merge::kKey, "How that was found out"},
      Column<&FingerprintRow::wall_ns>{Measure::kWallNs, Merge::kKey, "When it was seen"},
      Column<&FingerprintRow::repeat>{
          Measure::kCount, Merge::kKey,
          "How many that say the same came before it in its file; files that overlap tell it once"},
      Column<&FingerprintRow::flow_id>{Measure::kId, Merge::kMin,
                                       "The flow that it was seen on; NULL: not told"}};
};

/// One estimate of how far two clocks are apart: other = source + offset_ns.
struct ClockOffsetRow {
  Text source;
  Text other;
  Integer offset_ns;
  Integer uncertainty_ns;
  Integer samples;
};
template <>
struct Declaration<ClockOffsetRow> {
  static constexpr std::string_view kName = "clock_offset";
  static constexpr std::string_view kMeaning =
      "One estimate of how far two clocks are apart: other = source + offset_ns.";
  static constexpr Split kSplit = Split::kFlush;
  static constexpr std::array kSortOrders{SortOrder{"clock_offset", "source, other"}};
  static constexpr auto kColumns =
      std::tuple{Column<&ClockOffsetRow::source>{Measure::kNone, Merge::kRow, "Whose clock"},
                 Column<&ClockOffsetRow::other>{Measure::kNone, Merge::kRow,
                                                "Whose clock it is compared with"},
                 Column<&ClockOffsetRow::offset_ns>{Measure::kNs, Merge::kRow,
                                                    "To be added to the clock of the source"},
                 Column<&ClockOffsetRow::uncertainty_ns>{Measure::kNs, Merge::kRow, "Either way"},
                 Column<&ClockOffsetRow::samples>{Measure::kCount, Merge::kRow,
                                                  "From how many pairs of times; 0: set by hand"}};
};

/// One line of a log that became no event of its own.
struct LogLineRow {
  Text source;
  IntegerOrNull host_id;
  IntegerOrNull wall_ns;
  TextOrNull program;
  Text message;
  Integer repeat;
};
template <>
struct Declaration<LogLineRow> {
  static constexpr std::string_view kName = "log_line";
  static constexpr std::string_view kMeaning = "One line of a log that became no event of its own.";
  static constexpr Split kSplit = Split::kFlush;
  static constexpr std::array kSortOrders{SortOrder{"log_line", "wall_ns"}};
  static constexpr auto kColumns =
      std::tuple{Column<&LogLineRow::source>{Measure::kNone, Merge::kKey, "The log"},
                 Column<&LogLineRow::host_id>{Measure::kId, Merge::kKey,
                                              "Where it was written; NULL: not known"},
                 Column<&LogLineRow::wall_ns>{Measure::kWallNs, Merge::kKey,
                                              "When it was written; NULL: it does not say"},
                 Column<&LogLineRow::program>{Measure::kNone, Merge::kKey,
                                              "Who wrote it; NULL: it does not say"},
                 Column<&LogLineRow::message>{Measure::kNone, Merge::kKey, "What it says"},
                 Column<&LogLineRow::repeat>{Measure::kCount, Merge::kKey,
                                             "How many lines that are the same came before it in "
                                             "its file; files that overlap tell it once"}};
};

}  // namespace spoor::schema
