// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "event/kinds.hpp"

/// The one vocabulary of Spoor: what the decoder of the sensor's records and every importer
/// produce, what ingest consumes, and what the event text format (docs/formats/events.md) spells as
/// JSON with the same names.
namespace spoor::event {

/// A process: (host, boot, pid in the initial pid namespace, start). Host and boot are the event's.
struct ProcessKey {
  std::uint32_t pid = 0;
  std::uint64_t start_boot_ns = 0;
  bool operator==(const ProcessKey&) const = default;
};

/// A thing that processes read and write. Key: host and boot of the event (boot only for what does
/// not outlive it: sockets, pipes, ptys, memfds), then type, device, inode, generation, instance;
/// for kPath the path alone.
struct ObjectKey {
  ObjectType type = ObjectType::kNone;
  std::uint32_t device = 0;  ///< the kernel's dev_t
  std::uint64_t inode = 0;
  std::uint32_t generation = 0;
  std::uint64_t instance = 0;  ///< pty: boot_ns of its creation as far as known, else 0
  std::string path;            ///< kPath only
  bool operator==(const ObjectKey&) const = default;
};

struct Credentials {
  std::uint32_t uid = 0, euid = 0, suid = 0, fsuid = 0;
  std::uint32_t gid = 0, egid = 0, sgid = 0, fsgid = 0;
  std::uint64_t cap_effective = 0, cap_permitted = 0, cap_inheritable = 0;
  std::uint32_t user_namespace = 0;
  bool operator==(const Credentials&) const = default;
};

struct SocketInfo {
  std::uint32_t netns = 0;
  std::string family;               ///< "inet", "inet6", "unix", "netlink" or the number
  std::string type;                 ///< "stream", "dgram", "raw", "seqpacket" or the number
  std::uint16_t protocol = 0;       ///< IPPROTO_…
  std::string local_ip, remote_ip;  ///< text; IPv4-mapped IPv6 as IPv4; empty when unset
  std::uint16_t local_port = 0, remote_port = 0;
  std::string unix_path;         ///< "@" stands for the leading NUL of abstract names
  std::uint64_t peer_inode = 0;  ///< unix: inode of the connected peer, 0 unknown
  std::string state;             ///< "established" …, empty for non-TCP
  bool operator==(const SocketInfo&) const = default;
};

struct TerminalState {
  std::uint16_t rows = 0, columns = 0;
  bool echo = false, canonical = false;
  bool operator==(const TerminalState&) const = default;
};

struct LossCount {
  std::string loss_class;   ///< a name of schema::kLossClasses, or an import's own
  std::uint64_t count = 0;  ///< lost between from_boot_ns and the event's end_boot_ns
  std::uint64_t from_boot_ns = 0;
  std::string reason;
};

/// One thing that happened. Members that a kind does not use keep their defaults and are left out
/// of the event text.
struct Event {
  EventKind kind = EventKind::kFork;
  std::string host;                 ///< name of the host (scope) it happened on
  std::string boot_id;              ///< UUID text of the boot; empty where the source has none
  std::uint64_t begin_boot_ns = 0;  ///< begin of the call, boot clock of the host; 0: not known
  std::uint64_t end_boot_ns = 0;    ///< its end; the event text calls it boot_ns
  std::int64_t wall_ns = 0;         ///< end_boot_ns mapped to the host's wall clock
  bool baseline = false;            ///< state found, not something that happened
  std::int64_t entry_index = -1;    ///< entry of the evidence log that it comes from; -1: none

  ProcessKey process;
  std::uint32_t tid = 0;
  std::uint32_t uid = 0, euid = 0;           ///< of the thread at the call
  std::optional<ProcessKey> other_process;   ///< fork: the child; signal: the target
  std::optional<ProcessKey> parent_process;  ///< process; fork with another real parent
  std::string command;                       ///< comm, at fork, exec, baseline
  std::int64_t result = 0;                   ///< return value, -errno
  std::string syscall;  ///< credential_change, signal, chdir: the call ("setresuid"); else empty

  ObjectKey object, other_object;
  bool object_pty_master = false;  ///< the end of the pty that was used
  std::string path;       ///< name of `object`, absolute, as the kernel resolved it if it could
  std::string user_path;  ///< string the program passed, when it differs
  std::string other_path;
  /// The source looked where the names led to and says so in `object`, path and other_path: what is
  /// missing there is not to be guessed from the names, and an unproven path is the string passed.
  bool looked_up = false;
  /// rename: `other_object` is what the new name led to before, or there was nothing of that name.
  bool other_looked_up = false;
  bool path_unproven = false, other_path_unproven = false;
  bool object_unlinked = false;  ///< it had no name any more
  std::int32_t fd = -1, other_fd = -1;
  std::uint64_t size_bytes = 0;  ///< moved
  std::int64_t offset_bytes = -1;
  std::uint64_t flags = 0;  ///< as the kernel's call has them
  std::uint64_t value = 0;
  std::uint32_t mode = 0;  ///< i_mode of object (type and permissions) when known

  std::optional<Credentials> credentials;
  std::uint32_t object_uid = 0, object_gid = 0;  ///< exec: owner of the program
  std::string interpreter;
  std::vector<std::string> arguments;
  bool arguments_truncated = false;
  std::string working_directory;
  std::optional<std::uint32_t> session_id;

  std::optional<SocketInfo> socket;
  std::optional<TerminalState> terminal;
  std::optional<std::string> payload;      ///< the first bytes moved, raw
  bool payload_shed = false;               ///< there was payload that the budget left out
  std::optional<std::uint32_t> exit_code;  ///< as wait(2) gives it
  std::optional<LossCount> loss;
};

/// Ids of tables and permalinks, derived from the keys (base/stable_id.hpp).
std::int64_t HostId(std::string_view host);
std::int64_t ProcessId(std::string_view host, std::string_view boot_id, const ProcessKey& process);
/// 0 for kNone.
std::int64_t ObjectId(std::string_view host, std::string_view boot_id, const ObjectKey& object);

}  // namespace spoor::event
