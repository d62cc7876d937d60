// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "schema/row_cells.hpp"
#include "schema/table.hpp"

/// What processes read and write: files with their names, sockets, what was moved.
namespace spoor::schema {

/// One file, pipe, socket, terminal or other thing that processes read and write.
struct ObjectRow {
  Integer object_id;
  Integer host_id;
  Text type;
  IntegerOrNull device;
  IntegerOrNull inode;
  IntegerOrNull generation;
  IntegerOrNull instance;
  Integer first_boot_ns;
  TextOrNull path;
  Integer revision;
};
template <>
struct Declaration<ObjectRow> {
  static constexpr std::string_view kName = "object";
  static constexpr std::string_view kMeaning =
      "One file, pipe, socket, terminal or other thing that processes read and write.";
  static constexpr Split kSplit = Split::kFlush;
  static constexpr std::array kSortOrders{SortOrder{"object", "object_id"}};
  static constexpr auto kColumns = std::tuple{
      Column<&ObjectRow::object_id>{Measure::kId, Merge::kKey, "The object"},
      Column<&ObjectRow::host_id>{Measure::kId, Merge::kAny, "The host that has it"},
      Column<&ObjectRow::type>{Measure::kNone, Merge::kAny, "docs/formats/events.md"},
      Column<&ObjectRow::device>{Measure::kNone, Merge::kAny,
                                 "The kernel's dev_t; NULL: known by name only"},
      Column<&ObjectRow::inode>{Measure::kNone, Merge::kAny, "Inode number"},
      Column<&ObjectRow::generation>{Measure::kNone, Merge::kAny,
                                     "Tells uses of one inode number apart"},
      Column<&ObjectRow::instance>{Measure::kNone, Merge::kAny,
                                   "Tells uses of one pty number apart"},
      Column<&ObjectRow::first_boot_ns>{Measure::kBootNs, Merge::kMin, "When it was first seen"},
      Column<&ObjectRow::path>{Measure::kNone, Merge::kLatest, "Last known name"},
      Column<&ObjectRow::revision>{Measure::kNone, Merge::kRevision,
                                   "The event_id up to which this row knows"}};
};

/// One name of an object over time.
struct ObjectNameRow {
  Integer object_id;
  Integer host_id;
  Text path;
  Integer from_boot_ns;
  Integer from_wall_ns;
  IntegerOrNull until_boot_ns;
  Text cause;
  Integer revision;
};
template <>
struct Declaration<ObjectNameRow> {
  static constexpr std::string_view kName = "object_name";
  static constexpr std::string_view kMeaning = "One name of an object over time.";
  static constexpr Split kSplit = Split::kFlush;
  static constexpr std::array kSortOrders{SortOrder{"object_name", "object_id, from_boot_ns"}};
  static constexpr auto kColumns =
      std::tuple{Column<&ObjectNameRow::object_id>{Measure::kId, Merge::kKey, "What was called so"},
                 Column<&ObjectNameRow::host_id>{Measure::kId, Merge::kAny, "The host that has it"},
                 Column<&ObjectNameRow::path>{Measure::kNone, Merge::kKey, "The name, absolute"},
                 Column<&ObjectNameRow::from_boot_ns>{Measure::kBootNs, Merge::kKey, "Since when"},
                 Column<&ObjectNameRow::from_wall_ns>{Measure::kWallNs, Merge::kAny, "Since when"},
                 Column<&ObjectNameRow::until_boot_ns>{Measure::kBootNs, Merge::kMax,
                                                       "Until when; NULL: still"},
                 Column<&ObjectNameRow::cause>{Measure::kNone, Merge::kFirst,
                                               "Kind of the event that gave or showed the name"},
                 Column<&ObjectNameRow::revision>{Measure::kNone, Merge::kRevision,
                                                  "The event_id up to which this row knows"}};
};

/// One socket.
struct SocketRow {
  Integer object_id;
  Integer host_id;
  IntegerOrNull netns;
  TextOrNull family;
  TextOrNull type;
  IntegerOrNull protocol;
  TextOrNull local_ip;
  IntegerOrNull local_port;
  TextOrNull remote_ip;
  IntegerOrNull remote_port;
  TextOrNull unix_path;
  IntegerOrNull peer_object_id;
  TextOrNull direction;
  Integer first_boot_ns;
  Integer first_wall_ns;
  Integer revision;
};
template <>
struct Declaration<SocketRow> {
  static constexpr std::string_view kName = "socket";
  static constexpr std::string_view kMeaning = "One socket.";
  static constexpr Split kSplit = Split::kFlush;
  static constexpr std::array kSortOrders{SortOrder{"socket", "object_id"}};
  static constexpr auto kColumns = std::tuple{
      Column<&SocketRow::object_id>{Measure::kId, Merge::kKey, "The socket"},
      Column<&SocketRow::host_id>{Measure::kId, Merge::kAny, "The host that has it"},
      Column<&SocketRow::netns>{Measure::kNone, Merge::kLatest, "Inode of its network namespace"},
      Column<&SocketRow::family>{Measure::kNone, Merge::kLatest,
                                 "'inet', 'inet6', 'unix', 'netlink' or the number"},
      Column<&SocketRow::type>{Measure::kNone, Merge::kLatest,
                               "'stream', 'dgram', 'raw', 'seqpacket' or the number"},
      Column<&SocketRow::protocol>{Measure::kNone, Merge::kLatest, "IPPROTO_ number"},
      Column<&SocketRow::local_ip>{Measure::kNone, Merge::kLatest, "This end"},
      Column<&SocketRow::local_port>{Measure::kNone, Merge::kLatest, "This end"},
      Column<&SocketRow::remote_ip>{Measure::kNone, Merge::kLatest, "The other end"},
      Column<&SocketRow::remote_port>{Measure::kNone, Merge::kLatest, "The other end"},
      Column<&SocketRow::unix_path>{
          Measure::kNone, Merge::kLatest,
          "Name in the file system; '@' stands for the NUL of abstract ones"},
      Column<&SocketRow::peer_object_id>{Measure::kId, Merge::kLatest,
                                         "The other end where it is on the same host and known"},
      Column<&SocketRow::direction>{
          Measure::kNone, Merge::kLatest,
          "'inbound' (accepted), 'outbound' (connected), 'listening'; NULL: not known"},
      Column<&SocketRow::first_boot_ns>{Measure::kBootNs, Merge::kMin, "When it was first seen"},
      Column<&SocketRow::first_wall_ns>{Measure::kWallNs, Merge::kMin, "When it was first seen"},
      Column<&SocketRow::revision>{Measure::kNone, Merge::kRevision,
                                   "The event_id up to which this row knows"}};
};

/// What one call moved, as captured.
struct IoRow {
  Integer event_id;
  Integer host_id;
  Integer process_id;
  Integer object_id;
  Integer fd;
  Integer boot_ns;
  Integer wall_ns;
  Text direction;
  IntegerOrNull offset_bytes;
  Integer size_bytes;
  BytesOrNull data;
  Flag pty_master;
  IntegerOrNull rows;
  IntegerOrNull columns;
  FlagOrNull echo;
  FlagOrNull canonical;
};
template <>
struct Declaration<IoRow> {
  static constexpr std::string_view kName = "io";
  static constexpr std::string_view kMeaning = "What one call moved, as captured.";
  static constexpr Split kSplit = Split::kHostAndDay;
  static constexpr std::array kSortOrders{SortOrder{"io", "process_id, boot_ns, event_id"}};
  static constexpr auto kColumns = std::tuple{
      Column<&IoRow::event_id>{Measure::kId, Merge::kRow, "The row of event that it belongs to"},
      Column<&IoRow::host_id>{Measure::kId, Merge::kRow, "Where it happened"},
      Column<&IoRow::process_id>{Measure::kId, Merge::kRow, "Who did it"},
      Column<&IoRow::object_id>{Measure::kId, Merge::kRow, "From or to what"},
      Column<&IoRow::fd>{Measure::kNone, Merge::kRow, "Descriptor of the object"},
      Column<&IoRow::boot_ns>{Measure::kBootNs, Merge::kRow, "End of the call"},
      Column<&IoRow::wall_ns>{Measure::kWallNs, Merge::kRow, "End of the call"},
      Column<&IoRow::direction>{Measure::kNone, Merge::kRow, "'in' (read, recv) or 'out'"},
      Column<&IoRow::offset_bytes>{Measure::kBytes, Merge::kRow, "In the file"},
      Column<&IoRow::size_bytes>{Measure::kBytes, Merge::kRow, "Moved"},
      Column<&IoRow::data>{Measure::kNone, Merge::kRow,
                           "The first bytes of those that were moved; NULL: shed or not asked for"},
      Column<&IoRow::pty_master>{Measure::kNone, Merge::kRow,
                                 "Whether the master end of a pty was used"},
      Column<&IoRow::rows>{Measure::kCount, Merge::kRow,
                           "Height of the terminal at that moment; NULL: none"},
      Column<&IoRow::columns>{Measure::kCount, Merge::kRow,
                              "Width of the terminal at that moment; NULL: none"},
      Column<&IoRow::echo>{Measure::kNone, Merge::kRow, "Whether the terminal echoed; NULL: none"},
      Column<&IoRow::canonical>{Measure::kNone, Merge::kRow,
                                "Whether the terminal gave whole lines; NULL: none"}};
};

/// One change of window size or echo between reads and writes.
struct TerminalRow {
  Integer event_id;
  Integer host_id;
  Integer process_id;
  Integer object_id;
  Integer boot_ns;
  Integer wall_ns;
  IntegerOrNull rows;
  IntegerOrNull columns;
  FlagOrNull echo;
  FlagOrNull canonical;
};
template <>
struct Declaration<TerminalRow> {
  static constexpr std::string_view kName = "terminal";
  static constexpr std::string_view kMeaning =
      "One change of window size or echo between reads and writes.";
  static constexpr Split kSplit = Split::kFlush;
  static constexpr std::array kSortOrders{SortOrder{"terminal", "process_id, boot_ns, event_id"}};
  static constexpr auto kColumns = std::tuple{
      Column<&TerminalRow::event_id>{Measure::kId, Merge::kRow,
                                     "The row of event that it belongs to"},
      Column<&TerminalRow::host_id>{Measure::kId, Merge::kRow, "Where it happened"},
      Column<&TerminalRow::process_id>{Measure::kId, Merge::kRow, "Who did it"},
      Column<&TerminalRow::object_id>{Measure::kId, Merge::kRow, "The terminal"},
      Column<&TerminalRow::boot_ns>{Measure::kBootNs, Merge::kRow,
                                    "Begin of the call where known, else its end"},
      Column<&TerminalRow::wall_ns>{Measure::kWallNs, Merge::kRow, "End of the call"},
      Column<&TerminalRow::rows>{Measure::kCount, Merge::kRow, "Height afterwards"},
      Column<&TerminalRow::columns>{Measure::kCount, Merge::kRow, "Width afterwards"},
      Column<&TerminalRow::echo>{Measure::kNone, Merge::kRow, "Whether it echoes afterwards"},
      Column<&TerminalRow::canonical>{Measure::kNone, Merge::kRow,
                                      "Whether it gives whole lines afterwards"}};
};

}  // namespace spoor::schema
