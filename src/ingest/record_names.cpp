// SPDX-License-Identifier: Apache-2.0
#include "ingest/record_names.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <vector>

#include "wire/syscall_numbers.h"

namespace spoor::ingest {
namespace {

using event::EventKind;
using event::ObjectType;

// x86-64 numbers: the sensor writes them so on every machine (kernel_event.h).
struct PathCall {
  std::uint16_t syscall_nr;
  EventKind kind;
};
constexpr PathCall kPathCalls[] = {
    {NR_TRUNCATE, EventKind::kTruncate},
    {NR_FTRUNCATE, EventKind::kTruncate},
    {NR_CHDIR, EventKind::kChdir},
    {NR_FCHDIR, EventKind::kChdir},
    {NR_RENAME, EventKind::kRename},
    {NR_MKDIR, EventKind::kMkdir},
    {NR_RMDIR, EventKind::kUnlink},
    {NR_LINK, EventKind::kLink},
    {NR_UNLINK, EventKind::kUnlink},
    {NR_SYMLINK, EventKind::kSymlink},
    {NR_CHMOD, EventKind::kChmod},
    {NR_FCHMOD, EventKind::kChmod},
    {NR_CHOWN, EventKind::kChown},
    {NR_FCHOWN, EventKind::kChown},
    {NR_LCHOWN, EventKind::kChown},
    {NR_MKNOD, EventKind::kMknod},
    {NR_CHROOT, EventKind::kChdir},
    {NR_MKDIRAT, EventKind::kMkdir},
    {NR_MKNODAT, EventKind::kMknod},
    {NR_FCHOWNAT, EventKind::kChown},
    {NR_UNLINKAT, EventKind::kUnlink},
    {NR_RENAMEAT, EventKind::kRename},
    {NR_LINKAT, EventKind::kLink},
    {NR_SYMLINKAT, EventKind::kSymlink},
    {NR_FCHMODAT, EventKind::kChmod},
    {NR_RENAMEAT2, EventKind::kRename},
    {NR_FCHMODAT2, EventKind::kChmod},
    {NR_IOCTL, EventKind::kSetAttribute},
    {NR_UTIME, EventKind::kSetAttribute},
    {NR_MOUNT, EventKind::kMount},
    {NR_UMOUNT2, EventKind::kMount},
    {NR_SETXATTR, EventKind::kSetAttribute},
    {NR_LSETXATTR, EventKind::kSetAttribute},
    {NR_FSETXATTR, EventKind::kSetAttribute},
    {NR_REMOVEXATTR, EventKind::kSetAttribute},
    {NR_LREMOVEXATTR, EventKind::kSetAttribute},
    {NR_FREMOVEXATTR, EventKind::kSetAttribute},
    {NR_UTIMES, EventKind::kSetAttribute},
    {NR_FUTIMESAT, EventKind::kSetAttribute},
    {NR_UTIMENSAT, EventKind::kSetAttribute},
    {NR_MOVE_MOUNT, EventKind::kMount},
    {NR_SETXATTRAT, EventKind::kSetAttribute},
    {NR_REMOVEXATTRAT, EventKind::kSetAttribute},
};
constexpr PathCall kSocketCalls[] = {
    {NR_SOCKET, EventKind::kSocket},  {NR_CONNECT, EventKind::kConnect},
    {NR_ACCEPT, EventKind::kAccept},  {NR_SHUTDOWN, EventKind::kShutdown},
    {NR_BIND, EventKind::kBind},      {NR_LISTEN, EventKind::kListen},
    {NR_ACCEPT4, EventKind::kAccept},
};

struct CallName {
  std::uint16_t syscall_nr;
  std::string_view name;
};
constexpr CallName kCallNames[] = {
    {NR_READ, "read"},
    {NR_WRITE, "write"},
    {NR_PREAD64, "pread64"},
    {NR_PWRITE64, "pwrite64"},
    {NR_READV, "readv"},
    {NR_WRITEV, "writev"},
    {NR_CLONE, "clone"},
    {NR_KILL, "kill"},
    {NR_CHDIR, "chdir"},
    {NR_FCHDIR, "fchdir"},
    {NR_PTRACE, "ptrace"},
    {NR_SETUID, "setuid"},
    {NR_SETGID, "setgid"},
    {NR_SETREUID, "setreuid"},
    {NR_SETREGID, "setregid"},
    {NR_SETGROUPS, "setgroups"},
    {NR_SETRESUID, "setresuid"},
    {NR_SETRESGID, "setresgid"},
    {NR_SETFSUID, "setfsuid"},
    {NR_SETFSGID, "setfsgid"},
    {NR_CAPSET, "capset"},
    {NR_RT_SIGQUEUEINFO, "rt_sigqueueinfo"},
    {NR_PRCTL, "prctl"},
    {NR_CHROOT, "chroot"},
    {NR_MOUNT, "mount"},
    {NR_UMOUNT2, "umount2"},
    {NR_TKILL, "tkill"},
    {NR_TGKILL, "tgkill"},
    {NR_UNSHARE, "unshare"},
    {NR_PREADV, "preadv"},
    {NR_PWRITEV, "pwritev"},
    {NR_RT_TGSIGQUEUEINFO, "rt_tgsigqueueinfo"},
    {NR_SETNS, "setns"},
    {NR_PROCESS_VM_READV, "process_vm_readv"},
    {NR_PROCESS_VM_WRITEV, "process_vm_writev"},
    {NR_PREADV2, "preadv2"},
    {NR_PWRITEV2, "pwritev2"},
    {NR_PIDFD_SEND_SIGNAL, "pidfd_send_signal"},
    {NR_MOVE_MOUNT, "move_mount"},
};

template <std::size_t size>
std::optional<EventKind> Find(const PathCall (&calls)[size], std::uint16_t syscall_nr) {
  const auto found = std::ranges::find(calls, syscall_nr, &PathCall::syscall_nr);
  return found == std::end(calls) ? std::nullopt : std::optional(found->kind);
}

std::string FamilyName(std::uint16_t family) {
  switch (family) {
    case AF_UNIX:
      return "unix";
    case AF_INET:
      return "inet";
    case AF_INET6:
      return "inet6";
    case AF_NETLINK:
      return "netlink";
    case AF_PACKET:
      return "packet";
    default:
      return fmt::format("{}", family);
  }
}

std::string SocketTypeName(std::uint16_t type) {
  switch (type) {
    case SOCK_STREAM:
      return "stream";
    case SOCK_DGRAM:
      return "dgram";
    case SOCK_RAW:
      return "raw";
    case SOCK_SEQPACKET:
      return "seqpacket";
    default:
      return fmt::format("{}", type);
  }
}

std::string TcpStateName(const socket_ref& socket) {
  // include/net/tcp_states.h; 0 is "not TCP".
  constexpr std::array<std::string_view, 13> kNames{
      "",      "established", "syn_sent", "syn_recv", "fin_wait1", "fin_wait2",   "time_wait",
      "close", "close_wait",  "last_ack", "listen",   "closing",   "new_syn_recv"};
  if (socket.state >= kNames.size()) return fmt::format("{}", socket.state);
  return std::string(kNames[socket.state]);
}

// Empty for an address that is not set: all zero, with no port either.
std::string AddressText(const socket_ref& socket, const __u8 (&address)[16], std::uint16_t port) {
  constexpr std::array<__u8, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (socket.family != AF_INET && socket.family != AF_INET6) return {};
  if (port == 0 && std::ranges::all_of(address, [](__u8 byte) { return byte == 0; })) return {};
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (socket.family == AF_INET) {
    inet_ntop(AF_INET, address, text.data(), text.size());
  } else if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), address)) {
    inet_ntop(AF_INET, address + kMappedPrefix.size(), text.data(), text.size());
  } else {
    inet_ntop(AF_INET6, address, text.data(), text.size());
  }
  return text.data();
}

std::string UnixPathText(std::string_view unix_path) {
  if (!unix_path.empty() && unix_path.front() == '\0') {
    return "@" + std::string(unix_path.substr(1));
  }
  return std::string(unix_path.substr(0, unix_path.find('\0')));
}

}  // namespace

std::optional<EventKind> PathEventOf(std::uint16_t syscall_nr) {
  return Find(kPathCalls, syscall_nr);
}

std::optional<EventKind> SocketEventOf(std::uint16_t syscall_nr) {
  return Find(kSocketCalls, syscall_nr);
}

bool IsMessageCall(std::uint16_t syscall_nr) {
  constexpr std::array<std::uint16_t, 6> kCalls{NR_SENDTO,  NR_RECVFROM, NR_SENDMSG,
                                                NR_RECVMSG, NR_RECVMMSG, NR_SENDMMSG};
  return std::ranges::find(kCalls, syscall_nr) != kCalls.end();
}

std::string_view SyscallName(std::uint16_t syscall_nr) {
  const auto found = std::ranges::find(kCallNames, syscall_nr, &CallName::syscall_nr);
  return found == std::end(kCallNames) ? std::string_view() : found->name;
}

std::optional<ObjectType> ObjectTypeOf(const object_ref& object) {
  switch (object.type) {
    case OBJECT_NONE:
      return ObjectType::kNone;
    case OBJECT_FILE:
      return (object.flags & OBJECT_FLAG_MEMFD) != 0 ? ObjectType::kMemfd : ObjectType::kFile;
    case OBJECT_DIRECTORY:
      return ObjectType::kDirectory;
    case OBJECT_SYMLINK:
      return ObjectType::kSymlink;
    case OBJECT_CHARACTER_DEVICE:
      return ObjectType::kCharacterDevice;
    case OBJECT_BLOCK_DEVICE:
      return ObjectType::kBlockDevice;
    case OBJECT_PIPE:
      return ObjectType::kPipe;
    case OBJECT_SOCKET:
      return ObjectType::kSocket;
    case OBJECT_PTY:
      return ObjectType::kPty;
    case OBJECT_ANONYMOUS:
      return ObjectType::kAnonymous;
    case OBJECT_TTY:
      return ObjectType::kTty;
    default:
      return std::nullopt;
  }
}

event::SocketInfo SocketInfoOf(const socket_ref& socket, std::string_view unix_path) {
  event::SocketInfo info;
  info.netns = socket.netns;
  info.family = FamilyName(socket.family);
  info.type = SocketTypeName(socket.type);
  info.protocol = socket.protocol;
  info.local_ip = AddressText(socket, socket.local_address, socket.local_port);
  info.remote_ip = AddressText(socket, socket.remote_address, socket.remote_port);
  info.local_port = socket.local_port;
  info.remote_port = socket.remote_port;
  info.unix_path = UnixPathText(unix_path);
  info.peer_inode = socket.peer_inode;
  info.state = TcpStateName(socket);
  return info;
}

std::string AbsolutePath(std::string_view base, std::string_view path) {
  if (path.empty()) return {};
  if (path.front() != '/' && (base.empty() || base.front() != '/')) return std::string(path);
  const std::string joined =
      path.front() == '/' ? std::string(path) : fmt::format("{}/{}", base, path);
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin < joined.size();) {
    const std::size_t end = std::min(joined.find('/', begin), joined.size());
    const std::string_view part = std::string_view(joined).substr(begin, end - begin);
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
    begin = end + 1;
  }
  if (parts.empty()) return "/";
  std::string absolute;
  for (const std::string_view part : parts) absolute.append("/").append(part);
  return absolute;
}

}  // namespace spoor::ingest
