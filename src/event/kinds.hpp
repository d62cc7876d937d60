// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

/// What can happen on a host and to what, each with all that the rest of the house needs to know of
/// it: one line for a kind, one for a type of object.
namespace spoor::event {

enum class EventKind : std::uint8_t {
  kFork,  ///< process -> other_process (threads are not forks)
  kExec,  ///< object: the program; result < 0: refused
  kExit,
  kCredentialChange,
  kOpen,      ///< object, fd, flags = O_…
  kClose,     ///< fd; closes other_fd - fd more with close_range
  kDup,       ///< fd -> other_fd, object
  kRead,      ///< object -> process (read family, files, pipes, terminals, sockets alike)
  kWrite,     ///< process -> object
  kUnlink,    ///< path (unlink, rmdir: flags)
  kRename,    ///< path -> other_path
  kLink,      ///< path (existing) -> other_path (new name)
  kSymlink,   ///< path (the new link), other_path (its target text)
  kChmod,     ///< value: mode
  kChown,     ///< value: uid << 32 | gid
  kTruncate,  ///< value: length
  kMkdir,
  kMknod,
  kChdir,       ///< also chroot (flags)
  kPipe,        ///< object/fd: read end, other_object/other_fd: write end
  kSocketpair,  ///< object/fd, other_object/other_fd
  kSocket,
  kBind,
  kListen,
  kConnect,     ///< result -EINPROGRESS counts as begun
  kAccept,      ///< object/fd: the new socket; other_object/other_fd: the listening one
  kSend,        ///< process -> object (send family)
  kRecv,        ///< object -> process
  kShutdown,    ///< value: how
  kWindowSize,  ///< terminal
  kSignal,  ///< other_process: the target, value: signal (kill family), or ptrace request (flags)
  kSetsid,  ///< value: the new session id
  kSetAttribute,  ///< other_path: "times" (value: s), "flags" (value), or an extended attribute's
                  ///< name
  kMount,         ///< path: the place, other_path: what was mounted there; syscall: umount2 …
  kSetName,       ///< command: what the thread calls itself from now on
  kProcess,       ///< baseline: a process that was there when recording began
  kDescriptor,    ///< baseline: an open descriptor that was there
  kLoss,          ///< loss: counted, not seen
};
inline constexpr std::size_t kEventKindCount = static_cast<std::size_t>(EventKind::kLoss) + 1;

/// Which way something flows in an event: the rules of dependence
/// (docs/design/0004-causal-rules.md). An open counts only when it creates or truncates.
enum class Dependence : std::uint8_t {
  kNone,
  kObjectToProcess,
  kProcessToObject,
  kProcessToProcess,
};

/// Which way the bytes of a read, write, send or receive go; such events may be merged.
enum class Bytes : std::uint8_t { kNone, kToProcess, kToObject };

/// What a line of event text must say beside who did it.
enum class Needs : std::uint8_t {
  kNothing,
  kOtherProcess,
  kPath,
  kTwoPaths,
  kCredentials,
  kDescriptor,
  kTwoDescriptors,
  kSomeObject,
  kOnlyLoss,  ///< not even who
};

struct KindTraits {
  EventKind kind{};
  std::string_view name{};  ///< in SQL, JSON and the event text format
  Dependence dependence = Dependence::kNone;
  Bytes bytes = Bytes::kNone;
  Needs needs = Needs::kNothing;
  /// Its flow brings a process new input from whoever is at the other end.
  bool brings_input = false;
  /// `fd` is made by the call: what it was before does not matter.
  bool makes_descriptor = false;
  /// When it succeeds, it shows that its object is called `path`.
  bool shows_name = false;
  /// When it succeeds, nothing goes between the process and an object.
  bool moves_nothing = false;
  bool has_flags = false;  ///< 0 means something in `flags`
  bool has_value = false;  ///< 0 means something in `value`
  bool baseline = false;   ///< always state that was found, not something that happened
};

/// In the order of EventKind.
inline constexpr std::array<KindTraits, kEventKindCount> kKinds{{
    {.kind = EventKind::kFork,
     .name = "fork",
     .dependence = Dependence::kProcessToProcess,
     .needs = Needs::kOtherProcess},
    {.kind = EventKind::kExec,
     .name = "exec",
     .dependence = Dependence::kObjectToProcess,
     .needs = Needs::kPath,
     .shows_name = true},
    {.kind = EventKind::kExit, .name = "exit"},
    {.kind = EventKind::kCredentialChange,
     .name = "credential_change",
     .needs = Needs::kCredentials},
    {.kind = EventKind::kOpen,
     .name = "open",
     .dependence = Dependence::kProcessToObject,
     .needs = Needs::kSomeObject,
     .makes_descriptor = true,
     .shows_name = true,
     .has_flags = true},
    {.kind = EventKind::kClose,
     .name = "close",
     .needs = Needs::kDescriptor,
     .moves_nothing = true},
    {.kind = EventKind::kDup,
     .name = "dup",
     .needs = Needs::kTwoDescriptors,
     .moves_nothing = true,
     .has_flags = true},
    {.kind = EventKind::kRead,
     .name = "read",
     .dependence = Dependence::kObjectToProcess,
     .bytes = Bytes::kToProcess,
     .needs = Needs::kSomeObject,
     .brings_input = true},
    {.kind = EventKind::kWrite,
     .name = "write",
     .dependence = Dependence::kProcessToObject,
     .bytes = Bytes::kToObject,
     .needs = Needs::kSomeObject},
    {.kind = EventKind::kUnlink,
     .name = "unlink",
     .dependence = Dependence::kProcessToObject,
     .needs = Needs::kPath,
     .has_flags = true},
    {.kind = EventKind::kRename,
     .name = "rename",
     .dependence = Dependence::kProcessToObject,
     .needs = Needs::kTwoPaths,
     .has_flags = true},
    {.kind = EventKind::kLink,
     .name = "link",
     .dependence = Dependence::kProcessToObject,
     .needs = Needs::kTwoPaths},
    {.kind = EventKind::kSymlink,
     .name = "symlink",
     .dependence = Dependence::kProcessToObject,
     .needs = Needs::kTwoPaths,
     .shows_name = true},
    {.kind = EventKind::kChmod,
     .name = "chmod",
     .dependence = Dependence::kProcessToObject,
     .has_value = true},
    {.kind = EventKind::kChown,
     .name = "chown",
     .dependence = Dependence::kProcessToObject,
     .has_value = true},
    {.kind = EventKind::kTruncate,
     .name = "truncate",
     .dependence = Dependence::kProcessToObject,
     .has_value = true},
    {.kind = EventKind::kMkdir,
     .name = "mkdir",
     .dependence = Dependence::kProcessToObject,
     .needs = Needs::kPath,
     .shows_name = true},
    {.kind = EventKind::kMknod,
     .name = "mknod",
     .dependence = Dependence::kProcessToObject,
     .needs = Needs::kPath,
     .shows_name = true},
    {.kind = EventKind::kChdir, .name = "chdir", .shows_name = true},
    {.kind = EventKind::kPipe, .name = "pipe", .makes_descriptor = true, .has_flags = true},
    {.kind = EventKind::kSocketpair, .name = "socketpair", .makes_descriptor = true},
    {.kind = EventKind::kSocket, .name = "socket", .makes_descriptor = true, .moves_nothing = true},
    {.kind = EventKind::kBind, .name = "bind", .moves_nothing = true},
    {.kind = EventKind::kListen, .name = "listen", .moves_nothing = true},
    {.kind = EventKind::kConnect, .name = "connect", .dependence = Dependence::kProcessToObject},
    {.kind = EventKind::kAccept,
     .name = "accept",
     .dependence = Dependence::kObjectToProcess,
     .brings_input = true,
     .makes_descriptor = true},
    {.kind = EventKind::kSend,
     .name = "send",
     .dependence = Dependence::kProcessToObject,
     .bytes = Bytes::kToObject},
    {.kind = EventKind::kRecv,
     .name = "recv",
     .dependence = Dependence::kObjectToProcess,
     .bytes = Bytes::kToProcess,
     .brings_input = true},
    {.kind = EventKind::kShutdown, .name = "shutdown", .moves_nothing = true, .has_value = true},
    {.kind = EventKind::kWindowSize, .name = "window_size", .moves_nothing = true},
    {.kind = EventKind::kSignal,
     .name = "signal",
     .dependence = Dependence::kProcessToProcess,
     .needs = Needs::kOtherProcess,
     .has_value = true},
    {.kind = EventKind::kSetsid, .name = "setsid", .moves_nothing = true},
    {.kind = EventKind::kSetAttribute,
     .name = "set_attribute",
     .dependence = Dependence::kProcessToObject,
     .has_value = true},
    {.kind = EventKind::kMount, .name = "mount", .dependence = Dependence::kProcessToObject},
    {.kind = EventKind::kSetName, .name = "set_name", .moves_nothing = true},
    {.kind = EventKind::kProcess, .name = "process", .shows_name = true, .baseline = true},
    {.kind = EventKind::kDescriptor,
     .name = "descriptor",
     .makes_descriptor = true,
     .shows_name = true,
     .has_flags = true,
     .baseline = true},
    {.kind = EventKind::kLoss, .name = "loss", .needs = Needs::kOnlyLoss},
}};

constexpr const KindTraits& TraitsOf(EventKind kind) {
  return kKinds[static_cast<std::size_t>(kind)];
}
constexpr std::string_view EventKindName(EventKind kind) {
  return TraitsOf(kind).name;
}
std::optional<EventKind> EventKindOf(std::string_view name);

/// read, write, send, recv: moves bytes, and may be merged.
constexpr bool MovesBytes(EventKind kind) {
  return TraitsOf(kind).bytes != Bytes::kNone;
}
/// The bytes go from the process to the object.
constexpr bool IsOutput(EventKind kind) {
  return TraitsOf(kind).bytes == Bytes::kToObject;
}

enum class ObjectType : std::uint8_t {
  kNone,
  kFile,
  kDirectory,
  kSymlink,
  kCharacterDevice,
  kBlockDevice,
  kPipe,
  kSocket,
  kPty,  ///< both ends; instance tells re-used numbers apart
  kTty,
  kMemfd,
  kAnonymous,  ///< epoll, eventfd …
  kPath,       ///< known by name only: `path` is the key
  kUnknown,    ///< read or written, and the source does not tell what it is
};
inline constexpr std::size_t kObjectTypeCount = static_cast<std::size_t>(ObjectType::kUnknown) + 1;

struct ObjectTypeTraits {
  ObjectType type{};
  std::string_view name{};
  bool has_path = true;         ///< has names in the tree of files
  bool ends_with_boot = false;  ///< gone after a boot, so that its numbers are used again
  bool short_lived = false;     ///< worth forgetting when nobody holds it
};

/// In the order of ObjectType.
inline constexpr std::array<ObjectTypeTraits, kObjectTypeCount> kObjectTypes{{
    {.type = ObjectType::kNone, .name = "none", .has_path = false},
    {.type = ObjectType::kFile, .name = "file"},
    {.type = ObjectType::kDirectory, .name = "directory"},
    {.type = ObjectType::kSymlink, .name = "symlink"},
    {.type = ObjectType::kCharacterDevice, .name = "character_device"},
    {.type = ObjectType::kBlockDevice, .name = "block_device"},
    {.type = ObjectType::kPipe, .name = "pipe", .ends_with_boot = true, .short_lived = true},
    {.type = ObjectType::kSocket,
     .name = "socket",
     .has_path = false,
     .ends_with_boot = true,
     .short_lived = true},
    {.type = ObjectType::kPty, .name = "pty", .ends_with_boot = true},
    {.type = ObjectType::kTty, .name = "tty"},
    {.type = ObjectType::kMemfd,
     .name = "memfd",
     .has_path = false,
     .ends_with_boot = true,
     .short_lived = true},
    {.type = ObjectType::kAnonymous,
     .name = "anonymous",
     .has_path = false,
     .ends_with_boot = true,
     .short_lived = true},
    {.type = ObjectType::kPath, .name = "path"},
    {.type = ObjectType::kUnknown, .name = "unknown", .has_path = false, .ends_with_boot = true},
}};

constexpr const ObjectTypeTraits& TraitsOf(ObjectType type) {
  return kObjectTypes[static_cast<std::size_t>(type)];
}
constexpr std::string_view ObjectTypeName(ObjectType type) {
  return TraitsOf(type).name;
}
std::optional<ObjectType> ObjectTypeOf(std::string_view name);

}  // namespace spoor::event
