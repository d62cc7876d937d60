// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace spoor::importers {

struct AuditPath {
  std::string name, nametype;  ///< as passed; "NORMAL", "PARENT", "CREATE", "DELETE"
  std::uint64_t inode = 0;     ///< 0: not told
  std::uint32_t device = 0;    ///< the kernel's dev_t
  std::uint32_t mode = 0, uid = 0, gid = 0;
};

/// All records of one serial, whoever joined them.
struct AuditEvent {
  std::int64_t wall_ns = 0;
  std::uint64_t serial = 0;
  std::string node;  ///< empty: not told

  /// The call; empty: the event is of no call.
  std::string syscall;
  bool success = true;
  std::optional<std::int64_t> exit;
  std::array<std::optional<std::uint64_t>, 4> arguments;

  std::optional<std::uint32_t> pid, ppid;
  std::optional<std::uint32_t> uid, euid, suid, fsuid, gid, egid, sgid, fsgid;
  std::optional<std::uint32_t> login_uid, login_session;
  std::string command, executable, key, title;

  std::string working_directory;
  std::vector<AuditPath> paths;
  std::vector<std::string> argv;
  bool argv_truncated = false;
  std::string socket_address;  ///< struct sockaddr, its bytes
  std::optional<std::uint32_t> target_pid;
  std::string target_command;

  /// Records that say something of their own: type and text.
  std::vector<std::pair<std::string, std::string>> messages;
  std::string terminal_input;  ///< TTY
  std::uint32_t terminal_device = 0;
};

/// The kernel's dev_t of its two numbers.
constexpr std::uint32_t DeviceOf(std::uint64_t major, std::uint64_t minor) {
  return static_cast<std::uint32_t>(major << 20 | (minor & 0xfffff));
}
/// "08:01".
std::uint32_t ParseAuditDevice(std::string_view text);

}  // namespace spoor::importers
