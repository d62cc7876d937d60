// SPDX-License-Identifier: Apache-2.0
#include "ingest/record_names.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <vector>

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
    {76, EventKind::kTruncate},       // truncate
    {77, EventKind::kTruncate},       // ftruncate
    {80, EventKind::kChdir},          // chdir
    {81, EventKind::kChdir},          // fchdir
    {82, EventKind::kRename},         // rename
    {83, EventKind::kMkdir},          // mkdir
    {84, EventKind::kUnlink},         // rmdir
    {86, EventKind::kLink},           // link
    {87, EventKind::kUnlink},         // unlink
    {88, EventKind::kSymlink},        // symlink
    {90, EventKind::kChmod},          // chmod
    {91, EventKind::kChmod},          // fchmod
    {92, EventKind::kChown},          // chown
    {93, EventKind::kChown},          // fchown
    {94, EventKind::kChown},          // lchown
    {133, EventKind::kMknod},         // mknod
    {161, EventKind::kChdir},         // chroot
    {258, EventKind::kMkdir},         // mkdirat
    {259, EventKind::kMknod},         // mknodat
    {260, EventKind::kChown},         // fchownat
    {263, EventKind::kUnlink},        // unlinkat
    {264, EventKind::kRename},        // renameat
    {265, EventKind::kLink},          // linkat
    {266, EventKind::kSymlink},       // symlinkat
    {268, EventKind::kChmod},         // fchmodat
    {316, EventKind::kRename},        // renameat2
    {452, EventKind::kChmod},         // fchmodat2
    {16, EventKind::kSetAttribute},   // ioctl FS_IOC_SETFLAGS
    {132, EventKind::kSetAttribute},  // utime
    {165, EventKind::kMount},         // mount
    {166, EventKind::kMount},         // umount2
    {188, EventKind::kSetAttribute},  // setxattr
    {189, EventKind::kSetAttribute},  // lsetxattr
    {190, EventKind::kSetAttribute},  // fsetxattr
    {197, EventKind::kSetAttribute},  // removexattr
    {198, EventKind::kSetAttribute},  // lremovexattr
    {199, EventKind::kSetAttribute},  // fremovexattr
    {235, EventKind::kSetAttribute},  // utimes
    {261, EventKind::kSetAttribute},  // futimesat
    {280, EventKind::kSetAttribute},  // utimensat
    {429, EventKind::kMount},         // move_mount
    {463, EventKind::kSetAttribute},  // setxattrat
    {466, EventKind::kSetAttribute},  // removexattrat
};
constexpr PathCall kSocketCalls[] = {
    {41, EventKind::kSocket},   {42, EventKind::kConnect}, {43, EventKind::kAccept},
    {48, EventKind::kShutdown}, {49, EventKind::kBind},    {50, EventKind::kListen},
    {288, EventKind::kAccept},  // accept4
};

struct CallName {
  std::uint16_t syscall_nr;
  std::string_view name;
};
constexpr CallName kCallNames[] = {
    {0, "read"},
    {1, "write"},
    {17, "pread64"},
    {18, "pwrite64"},
    {19, "readv"},
    {20, "writev"},
    {56, "clone"},
    {62, "kill"},
    {80, "chdir"},
    {81, "fchdir"},
    {101, "ptrace"},
    {105, "setuid"},
    {106, "setgid"},
    {113, "setreuid"},
    {114, "setregid"},
    {116, "setgroups"},
    {117, "setresuid"},
    {119, "setresgid"},
    {122, "setfsuid"},
    {123, "setfsgid"},
    {126, "capset"},
    {129, "rt_sigqueueinfo"},
    {157, "prctl"},
    {161, "chroot"},
    {165, "mount"},
    {166, "umount2"},
    {200, "tkill"},
    {234, "tgkill"},
    {272, "unshare"},
    {295, "preadv"},
    {296, "pwritev"},
    {297, "rt_tgsigqueueinfo"},
    {308, "setns"},
    {310, "process_vm_readv"},
    {311, "process_vm_writev"},
    {327, "preadv2"},
    {328, "pwritev2"},
    {424, "pidfd_send_signal"},
    {429, "move_mount"},
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
  // sendto, recvfrom, sendmsg, recvmsg, recvmmsg, sendmmsg
  constexpr std::array<std::uint16_t, 6> kCalls{44, 45, 46, 47, 299, 307};
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
