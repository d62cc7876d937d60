// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "event/event.hpp"
#include "ingest/descriptor_table.hpp"
#include "ingest/io_merger.hpp"
#include "ingest/moment.hpp"

/// What the normaliser knows about one boot of one host while it goes through a recording.
namespace spoor::ingest {

/// Real and effective user of a thread.
struct User {
  std::uint32_t uid = 0, euid = 0;
  bool operator==(const User&) const = default;
};

struct ProcessState {
  std::int64_t process_id = 0;
  event::ProcessKey key;
  std::optional<std::int64_t> start_wall_ns;
  std::int64_t parent_process_id = 0;  ///< 0: not seen
  std::optional<std::uint64_t> end_boot_ns;
  std::optional<std::int64_t> end_wall_ns;
  std::optional<std::uint32_t> exit_code;
  bool baseline = false;
  std::string name, executable, command_line;
  std::optional<User> user;                       ///< of the main thread, as last known
  std::optional<event::Credentials> credentials;  ///< as last told whole
  std::map<std::uint32_t, User> thread_users;     ///< of the other threads
  DescriptorTable descriptors;
  FlowCounters flows;
  bool changed = true;  ///< since its row was written last
};

/// A socket and the flows over it.
struct SocketState {
  event::SocketInfo info;
  std::int64_t peer_object_id = 0;
  std::string direction;  ///< "inbound", "outbound", "listening" or empty
  std::uint64_t first_boot_ns = 0;
  std::int64_t first_wall_ns = 0;
  bool changed = true;
  bool bound = false;  ///< bind was called: somebody waits for others here
  /// Over this socket; the first has the socket's id. One socket can talk to several ends.
  std::vector<std::int64_t> flow_ids;
  std::string first_remote;  ///< other end of the first flow
};

/// Bytes of one flow since its row was written last.
struct FlowState {
  std::int64_t flow_id = 0;
  std::int64_t process_id = 0;  ///< that accepted or connected, else first used it
  std::int64_t object_id = 0;   ///< its socket
  std::int32_t fd = -1;
  std::uint32_t uid = 0;
  event::SocketInfo info;
  bool inbound = false;
  std::uint64_t begin_boot_ns = 0;
  std::int64_t begin_wall_ns = 0, end_wall_ns = 0;
  std::uint64_t local_bytes = 0, remote_bytes = 0;  ///< sent by each end
  std::string state;  ///< TCP: "attempted", "refused", "failed" or "connected"; else empty
  bool process_written = false;  ///< its row of flow_process
  bool changed = true;
};

struct ObjectState {
  std::int64_t object_id = 0;
  event::ObjectKey key;
  std::uint64_t first_boot_ns = 0;
  std::string path;  ///< last known name
  FlowCounters flows;
  std::unique_ptr<SocketState> socket;
  bool changed = true;
  bool touched = true;  ///< since the last flush
};

struct ProcessKeyHash {
  std::size_t operator()(const event::ProcessKey& key) const {
    return (key.start_boot_ns ^ std::uint64_t{key.pid} << 40) * 0x9e3779b97f4a7c15 >> 8;
  }
};

/// A name that an object has now.
struct Name {
  std::int64_t object_id = 0;
  std::uint64_t from_boot_ns = 0;
  std::int64_t from_wall_ns = 0;
  event::EventKind cause = event::EventKind::kOpen;
};

struct HostState {
  std::string host;
  std::int64_t host_id = 0;
  std::shared_ptr<const std::string> boot_id;
  std::unordered_map<event::ProcessKey, ProcessState, ProcessKeyHash> processes;
  std::unordered_map<std::int64_t, ObjectState> objects;
  std::map<std::string, Name> names;     ///< absolute path → who has it now
  std::uint64_t names_not_followed = 0;  ///< through renames of folders, since a gap said so
  Moment names_not_followed_since;
  /// "netns local_ip:port remote_ip:port" of connected sockets whose other end was not seen yet →
  /// object_id; bounded
  std::unordered_map<std::string, std::int64_t> socket_ends;
  std::unordered_map<std::int64_t, FlowState> flows;
  std::set<std::pair<std::uint32_t, std::uint16_t>> waiting_ports;  ///< netns, port: listening
};

}  // namespace spoor::ingest
