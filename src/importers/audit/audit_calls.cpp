// SPDX-License-Identifier: Apache-2.0
// The half of the translator that knows what each call means.
#include <fcntl.h>
#include <sched.h>

#include <algorithm>
#include <filesystem>
#include <limits>

#include "event/unknown_user.hpp"
#include "importers/audit/audit_translator.hpp"
#include "importers/text/sockaddr.hpp"

namespace spoor::importers {
namespace {

using event::Event;
using event::EventKind;
using event::ObjectType;

ObjectType TypeOfMode(std::uint32_t mode) {
  switch (mode & 0170000) {
    case 0040000:
      return ObjectType::kDirectory;
    case 0120000:
      return ObjectType::kSymlink;
    case 0020000:
      return ObjectType::kCharacterDevice;
    case 0060000:
      return ObjectType::kBlockDevice;
    case 0010000:
      return ObjectType::kPipe;
    case 0140000:
      return ObjectType::kSocket;
    default:
      return ObjectType::kFile;
  }
}

/// `name` below `folder`; as it is where that is not known.
std::string Absolute(const std::string& name, const std::string& folder) {
  if (name.starts_with('/') || !folder.starts_with('/') || name.empty()) return name;
  return (std::filesystem::path(folder) / name).lexically_normal().string();
}

const AuditPath* LastOf(const AuditEvent& audit, std::string_view nametype) {
  for (auto path = audit.paths.rbegin(); path != audit.paths.rend(); ++path) {
    if (path->nametype == nametype) return &*path;
  }
  return nullptr;
}

/// What the call was about: the last name that is not the folder it lies in.
const AuditPath* Target(const AuditEvent& audit) {
  for (auto path = audit.paths.rbegin(); path != audit.paths.rend(); ++path) {
    if (path->nametype != "PARENT" && !path->name.empty()) return &*path;
  }
  return nullptr;
}

event::ObjectKey ObjectOf(const AuditPath& path, const std::string& name) {
  if (path.inode == 0) {
    return name.starts_with('/') ? event::ObjectKey{.type = ObjectType::kPath, .path = name}
                                 : event::ObjectKey{};
  }
  return {.type = TypeOfMode(path.mode), .device = path.device, .inode = path.inode, .path = {}};
}

void SetPath(const AuditEvent& audit, const AuditPath& path, Event& event) {
  event.path = Absolute(path.name, audit.working_directory);
  if (event.path != path.name) event.user_path = path.name;
  event.object = ObjectOf(path, event.path);
  event.mode = path.mode;
}

std::int32_t Descriptor(const std::optional<std::uint64_t>& number) {
  return number && *number <= std::numeric_limits<std::int32_t>::max()
             ? static_cast<std::int32_t>(*number)
             : -1;
}

std::int32_t Descriptor(std::int64_t number) {
  return number >= 0 && number <= std::numeric_limits<std::int32_t>::max()
             ? static_cast<std::int32_t>(number)
             : -1;
}

event::Credentials CredentialsOf(const AuditEvent& audit) {
  event::Credentials credentials;
  credentials.uid = audit.uid.value_or(event::kUnknownUser);
  credentials.euid = audit.euid.value_or(credentials.uid);
  credentials.suid = audit.suid.value_or(credentials.euid);
  credentials.fsuid = audit.fsuid.value_or(credentials.euid);
  credentials.gid = audit.gid.value_or(event::kUnknownUser);
  credentials.egid = audit.egid.value_or(credentials.gid);
  credentials.sgid = audit.sgid.value_or(credentials.egid);
  credentials.fsgid = audit.fsgid.value_or(credentials.egid);
  return credentials;
}

bool IsOneOf(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

bool AuditTranslator::FillCall(const AuditEvent& audit, Event& event) {
  const std::string& call = audit.syscall;
  if (call == "execve" || call == "execveat") {
    FillExec(audit, event);
    return !event.path.empty();
  }
  if (IsOneOf(call, {"fork", "vfork", "clone"})) return FillFork(audit, event);
  if (call == "exit_group") {
    event.kind = EventKind::kExit;
    event.exit_code = static_cast<std::uint32_t>(audit.arguments[0].value_or(0) & 0xff) << 8;
    return true;
  }
  if (call == "setsid") {
    event.kind = EventKind::kSetsid;
    event.value = static_cast<std::uint64_t>(std::max(event.result, std::int64_t{0}));
    return true;
  }
  if (call.starts_with("set") &&
      (call.find("uid") != std::string::npos || call.find("gid") != std::string::npos)) {
    event.kind = EventKind::kCredentialChange;
    event.credentials = CredentialsOf(audit);
    return true;
  }
  if (IsOneOf(call, {"kill", "tkill", "tgkill", "ptrace"}) && audit.target_pid) {
    event.kind = EventKind::kSignal;
    event.other_process = processes_.Mention(event.host, *audit.target_pid, audit.wall_ns);
    const std::size_t place = call == "tgkill" ? 2 : 1;
    if (call == "ptrace") {
      event.flags = audit.arguments[0].value_or(0);
    } else {
      event.value = audit.arguments[place].value_or(0);
    }
    return true;
  }
  return FillNames(audit, event) || FillDescriptors(audit, event) || FillSocket(audit, event);
}

bool AuditTranslator::FillFork(const AuditEvent& audit, Event& event) {
  const bool thread =
      audit.syscall == "clone" && (audit.arguments[0].value_or(0) & CLONE_THREAD) != 0;
  if (thread || event.result <= 0 || event.result > std::numeric_limits<std::uint32_t>::max()) {
    return false;
  }
  event.kind = EventKind::kFork;
  event.other_process =
      processes_.Start(event.host, static_cast<std::uint32_t>(event.result), audit.wall_ns);
  event.command = audit.command;
  return true;
}

void AuditTranslator::FillExec(const AuditEvent& audit, Event& event) const {
  event.kind = EventKind::kExec;
  event.command = audit.command;
  event.arguments = audit.argv;
  event.arguments_truncated = audit.argv_truncated;
  event.working_directory = audit.working_directory;
  event.credentials = CredentialsOf(audit);
  if (event.result > 0) event.result = 0;
  if (event.arguments.empty() && !audit.title.empty() && audit.success) {
    // The title is the arguments with NUL between, cut off at 128 bytes.
    constexpr std::size_t kTitleBytesMax = 128;
    for (std::size_t begin = 0; begin <= audit.title.size();) {
      const std::size_t end = std::min(audit.title.find('\0', begin), audit.title.size());
      event.arguments.push_back(audit.title.substr(begin, end - begin));
      begin = end + 1;
    }
    event.arguments_truncated = audit.title.size() + 1 >= kTitleBytesMax;
  }
  if (audit.paths.empty() || audit.paths.front().name.empty()) {
    event.path = audit.success ? audit.executable : std::string();
    if (event.path.starts_with('/')) {
      event.object = {.type = ObjectType::kPath, .path = event.path};
    }
    return;
  }
  const AuditPath& first = audit.paths.front();
  SetPath(audit, first, event);
  event.object_uid = first.uid;
  event.object_gid = first.gid;
  // A script: the kernel ran the program of its first line, with that as the first argument.
  const bool script = audit.paths.size() > 1 && !audit.argv.empty() &&
                      audit.argv.front() == audit.paths[1].name &&
                      audit.paths[1].name != first.name;
  if (script) {
    event.interpreter = audit.paths[1].name;
  } else if (audit.success && audit.executable.starts_with('/')) {
    // Links are followed: the name of the file itself.
    if (event.path != audit.executable) {
      event.user_path = first.name;
      event.path = audit.executable;
    }
  }
}

bool AuditTranslator::FillNames(const AuditEvent& audit, Event& event) const {
  const std::string& call = audit.syscall;
  const AuditPath* const target = Target(audit);
  if (target == nullptr) return false;
  if (IsOneOf(call, {"open", "openat", "openat2", "creat"})) {
    event.kind = EventKind::kOpen;
    event.fd = Descriptor(event.result);
    constexpr std::uint64_t kCreat = O_CREAT | O_WRONLY | O_TRUNC;
    event.flags = call == "open"     ? audit.arguments[1].value_or(0)
                  : call == "openat" ? audit.arguments[2].value_or(0)
                  : call == "creat"  ? kCreat
                                     : 0;
  } else if (IsOneOf(call, {"unlink", "unlinkat", "rmdir"})) {
    event.kind = EventKind::kUnlink;
    const AuditPath* const deleted = LastOf(audit, "DELETE");
    SetPath(audit, deleted != nullptr ? *deleted : *target, event);
    return true;
  } else if (IsOneOf(call, {"rename", "renameat", "renameat2", "link", "linkat"})) {
    const bool link = call.starts_with("link");
    event.kind = link ? EventKind::kLink : EventKind::kRename;
    const AuditPath* from = LastOf(audit, link ? "NORMAL" : "DELETE");
    if (from == nullptr) from = LastOf(audit, "UNKNOWN");
    const AuditPath* const to = LastOf(audit, "CREATE");
    if (from == nullptr || to == nullptr) return false;
    SetPath(audit, *from, event);
    event.other_path = Absolute(to->name, audit.working_directory);
    if (call == "renameat2") event.flags = 0;
    return true;
  } else if (IsOneOf(call, {"symlink", "symlinkat"})) {
    event.kind = EventKind::kSymlink;
    if (!audit.paths.empty()) event.other_path = audit.paths.front().name;
    const AuditPath* const made = LastOf(audit, "CREATE");
    if (made == nullptr) return false;
    SetPath(audit, *made, event);
    return true;
  } else if (IsOneOf(call, {"mkdir", "mkdirat"})) {
    event.kind = EventKind::kMkdir;
  } else if (IsOneOf(call, {"mknod", "mknodat"})) {
    event.kind = EventKind::kMknod;
  } else if (IsOneOf(call, {"chmod", "fchmod", "fchmodat"})) {
    event.kind = EventKind::kChmod;
    event.value = audit.arguments[call == "fchmodat" ? 2 : 1].value_or(0);
  } else if (IsOneOf(call, {"chown", "fchown", "lchown", "fchownat", "chown32", "fchown32",
                            "lchown32"})) {
    event.kind = EventKind::kChown;
    const std::size_t place = call == "fchownat" ? 2 : 1;
    constexpr std::uint64_t kIdMask = 0xffffffff;
    event.value = (audit.arguments[place].value_or(0) & kIdMask) << 32;
    if (place + 1 < audit.arguments.size()) {
      event.value |= audit.arguments[place + 1].value_or(0) & kIdMask;
    }
  } else if (IsOneOf(call, {"truncate", "ftruncate"})) {
    event.kind = EventKind::kTruncate;
    event.value = audit.arguments[1].value_or(0);
  } else if (IsOneOf(call, {"chdir", "chroot"})) {
    event.kind = EventKind::kChdir;
  } else if (IsOneOf(call, {"mount", "umount2"})) {
    event.kind = EventKind::kMount;
  } else {
    return false;
  }
  SetPath(audit, *target, event);
  return true;
}

bool AuditTranslator::FillDescriptors(const AuditEvent& audit, Event& event) const {
  const std::string& call = audit.syscall;
  event.fd = Descriptor(audit.arguments[0]);
  if (call == "close") {
    event.kind = EventKind::kClose;
  } else if (IsOneOf(call, {"dup", "dup2", "dup3"})) {
    event.kind = EventKind::kDup;
    event.other_fd = Descriptor(event.result);
  } else if (IsOneOf(call, {"read", "pread64", "readv"})) {
    event.kind = EventKind::kRead;
  } else if (IsOneOf(call, {"write", "pwrite64", "writev"})) {
    event.kind = EventKind::kWrite;
  } else {
    event.fd = -1;
    return false;
  }
  const bool moves = event.kind == EventKind::kRead || event.kind == EventKind::kWrite;
  if (moves && event.result > 0) event.size_bytes = static_cast<std::uint64_t>(event.result);
  return event.fd >= 0;
}

bool AuditTranslator::FillSocket(const AuditEvent& audit, Event& event) const {
  const std::string& call = audit.syscall;
  bool remote = true;
  event.fd = Descriptor(audit.arguments[0]);
  if (call == "socket") {
    event.kind = EventKind::kSocket;
    event.fd = Descriptor(event.result);
  } else if (call == "connect") {
    event.kind = EventKind::kConnect;
  } else if (call == "bind") {
    event.kind = EventKind::kBind;
    remote = false;
  } else if (call == "listen") {
    event.kind = EventKind::kListen;
  } else if (IsOneOf(call, {"accept", "accept4"})) {
    event.kind = EventKind::kAccept;
    event.other_fd = event.fd;
    event.fd = Descriptor(event.result);
  } else if (IsOneOf(call, {"sendto", "sendmsg"})) {
    event.kind = EventKind::kSend;
  } else if (IsOneOf(call, {"recvfrom", "recvmsg"})) {
    event.kind = EventKind::kRecv;
  } else if (call == "shutdown") {
    event.kind = EventKind::kShutdown;
    event.value = audit.arguments[1].value_or(0);
  } else {
    event.fd = -1;
    return false;
  }
  const bool moves = event.kind == EventKind::kSend || event.kind == EventKind::kRecv;
  if (moves && event.result > 0) event.size_bytes = static_cast<std::uint64_t>(event.result);
  if (const auto address = ParseSocketAddress(audit.socket_address)) {
    event::SocketInfo socket;
    socket.family = address->family;
    socket.unix_path = address->unix_path;
    (remote ? socket.remote_ip : socket.local_ip) = address->ip;
    (remote ? socket.remote_port : socket.local_port) = address->port;
    event.socket = std::move(socket);
  }
  return true;
}

}  // namespace spoor::importers
