// SPDX-License-Identifier: Apache-2.0
#include "ingest/record_events.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/saturating.hpp"
#include "event/open_flags.hpp"
#include "ingest/record_names.hpp"
#include "wire/syscall_numbers.h"

namespace spoor::ingest {

using event::Event;
using event::EventKind;
using event::ObjectType;

namespace {

// The kernel allows 4096 ptys unless told otherwise; more is hostile input.
constexpr std::size_t kPtyInstancesMax = 65536;

std::string CommandOf(const __u8 (&command)[16]) {
  return {command, std::find(command, command + sizeof(command), __u8{0})};
}

event::Credentials CredentialsOf(const credential_set& set) {
  return {.uid = set.uid,
          .euid = set.euid,
          .suid = set.suid,
          .fsuid = set.fsuid,
          .gid = set.gid,
          .egid = set.egid,
          .sgid = set.sgid,
          .fsgid = set.fsgid,
          .cap_effective = set.cap_effective,
          .cap_permitted = set.cap_permitted,
          .cap_inheritable = set.cap_inheritable,
          .user_namespace = set.user_namespace};
}

std::optional<event::TerminalState> TerminalOf(const terminal_state& terminal) {
  if ((terminal.flags & TERMINAL_KNOWN) == 0) return std::nullopt;
  return event::TerminalState{.rows = terminal.rows,
                              .columns = terminal.columns,
                              .echo = (terminal.flags & TERMINAL_ECHO) != 0,
                              .canonical = (terminal.flags & TERMINAL_CANONICAL) != 0};
}

std::vector<std::string> SplitArguments(std::string_view text) {
  std::vector<std::string> arguments;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\0'), text.size());
    arguments.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return arguments;
}

/// What every process calls its own terminal; which one that is, only the object tells.
constexpr std::string_view kOwnTerminal = "/dev/tty";

void SetPath(std::string_view kernel_path, std::string_view base, std::string_view user_path,
             Event& event) {
  event.path = kernel_path.empty() ? AbsolutePath(base, user_path) : std::string(kernel_path);
  if (user_path != event.path) event.user_path = user_path;
}

std::uint64_t MovedBytes(const record_header& header) {
  return header.result > 0 ? static_cast<std::uint64_t>(header.result) : 0;
}

}  // namespace

// One record: its body by copy, its tails as views into it. What does not add up is remembered, so
// that callers read all they need and look at error() once.
class RecordEvents::Reader {
 public:
  explicit Reader(std::span<const std::byte> record) : record_(record) {}

  template <typename Body>
  Body Read() {
    Body body{};
    if (record_.size() < sizeof(Body)) {
      SetError("shorter than its kind");
      return body;
    }
    body_bytes_ = sizeof(Body);
    std::memcpy(&body, record_.data(), sizeof(Body));
    return body;
  }

  std::string_view Bytes(const tail& at) {
    if (at.length_bytes == 0) return {};
    if (at.offset_bytes < body_bytes_ || at.offset_bytes > record_.size() ||
        at.length_bytes > record_.size() - at.offset_bytes) {
      SetError("a tail reaches outside of it");
      return {};
    }
    const std::span<const std::byte> bytes = record_.subspan(at.offset_bytes, at.length_bytes);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  /// A string that ends at its NUL, if it brought one.
  std::string_view Text(const tail& at) {
    const std::string_view bytes = Bytes(at);
    return bytes.substr(0, bytes.find('\0'));
  }

  /// A path that the kernel half resolved; "…" stands for first components that it did not reach.
  std::string Path(const tail& at) {
    const std::string_view text = Text(at);
    return at.status == TAIL_TRUNCATED && !text.empty() ? "…" + std::string(text)
                                                        : std::string(text);
  }

  void SetError(const char* reason) {
    if (error_ == nullptr) error_ = reason;
  }
  const char* error() const { return error_; }

 private:
  std::span<const std::byte> record_;
  std::size_t body_bytes_ = 0;
  const char* error_ = nullptr;
};

Result<> RecordEvents::Append(std::span<const std::byte> record, const Origin& origin,
                              std::vector<Event>& events) {
  using Method = void (RecordEvents::*)(Reader&, const Origin&, Events&);
  static constexpr auto kAppend = [] {
    std::array<Method, RECORD_KIND_COUNT> methods{};
    methods[RECORD_FORK] = &RecordEvents::AppendFork;
    methods[RECORD_EXEC] = &RecordEvents::AppendExec;
    methods[RECORD_EXIT] = &RecordEvents::AppendExit;
    methods[RECORD_CREDENTIAL] = &RecordEvents::AppendCredential;
    methods[RECORD_OPEN] = &RecordEvents::AppendOpen;
    methods[RECORD_CLOSE] = &RecordEvents::AppendDescriptor;
    methods[RECORD_DUP] = &RecordEvents::AppendDescriptor;
    methods[RECORD_IO] = &RecordEvents::AppendIo;
    methods[RECORD_PATH] = &RecordEvents::AppendPath;
    methods[RECORD_PAIR] = &RecordEvents::AppendPair;
    methods[RECORD_SOCKET] = &RecordEvents::AppendSocket;
    methods[RECORD_TERMINAL] = &RecordEvents::AppendTerminal;
    methods[RECORD_TRANSFER] = &RecordEvents::AppendTransfer;
    methods[RECORD_SIGNAL] = &RecordEvents::AppendSignal;
    methods[RECORD_PROCESS] = &RecordEvents::AppendProcess;
    methods[RECORD_SESSION] = &RecordEvents::AppendSession;
    methods[RECORD_NAME] = &RecordEvents::AppendName;
    return methods;
  }();
  const std::size_t before = events.size();
  Reader reader(record);
  const auto header = reader.Read<record_header>();
  if (header.scope >= hosts_.size()) reader.SetError("its scope is not one of the recording's");
  if (header.kind >= RECORD_KIND_COUNT || kAppend[header.kind] == nullptr) {
    reader.SetError("its kind is not known");
  }
  if (reader.error() == nullptr) (this->*kAppend[header.kind])(reader, origin, events);
  if (reader.error() == nullptr) return {};
  events.resize(before);
  return Fail(ErrorCode::kCorrupt, "record of kind {}, {} bytes: {}", header.kind, record.size(),
              reader.error());
}

Event RecordEvents::Begin(const record_header& header, EventKind kind, const Origin& origin) const {
  Event event;
  event.kind = kind;
  event.host = hosts_[header.scope];
  event.boot_id = boot_id_;
  event.end_boot_ns = header.boot_ns;
  event.wall_ns = SaturatingAdd(Saturated<std::int64_t>(header.boot_ns), origin.wall_minus_boot_ns);
  event.baseline = (header.flags & RECORD_FLAG_BASELINE) != 0;
  event.entry_index = origin.entry_index;
  event.process = {.pid = header.pid, .start_boot_ns = header.process_start_boot_ns};
  event.tid = header.tid;
  event.uid = header.uid;
  event.euid = header.euid;
  event.result = header.result;
  return event;
}

event::ObjectKey RecordEvents::KeyOf(const object_ref& object, Reader& reader) const {
  const std::optional<ObjectType> type = ObjectTypeOf(object);
  if (!type) reader.SetError("its object is of no known type");
  if (!type || *type == ObjectType::kNone) return {};
  event::ObjectKey key{.type = *type,
                       .device = object.device,
                       .inode = object.inode,
                       .generation = object.generation,
                       .instance = 0,
                       .path = {}};
  if (*type == ObjectType::kPty) {
    const auto found = pty_instances_.find({object.device, object.inode});
    if (found != pty_instances_.end()) key.instance = found->second;
  }
  return key;
}

void RecordEvents::SetObject(const object_ref& object, Reader& reader, Event& event) const {
  event.object = KeyOf(object, reader);
  event.object_pty_master =
      object.type == OBJECT_PTY && (object.flags & OBJECT_FLAG_PTY_MASTER) != 0;
  event.object_unlinked = object.type == OBJECT_FILE && (object.flags & OBJECT_FLAG_UNLINKED) != 0;
  event.mode = object.mode;
}

void RecordEvents::AppendFork(Reader& reader, const Origin& origin, Events& events) {
  const auto body = reader.Read<fork_record>();
  if ((body.header.flags & RECORD_FLAG_THREAD) != 0) return;
  Event event = Begin(body.header, EventKind::kFork, origin);
  event.other_process = {.pid = body.child_pid, .start_boot_ns = body.child_start_boot_ns};
  const event::ProcessKey parent{.pid = body.parent_pid,
                                 .start_boot_ns = body.parent_start_boot_ns};
  if (parent.pid != 0 && parent != event.process) event.parent_process = parent;
  event.session_id = body.session_id;
  event.flags = body.clone_flags;
  event.command = CommandOf(body.command);
  events.push_back(std::move(event));
}

void RecordEvents::AppendExec(Reader& reader, const Origin& origin, Events& events) {
  const auto body = reader.Read<exec_record>();
  Event event = Begin(body.header, EventKind::kExec, origin);
  SetObject(body.object, reader, event);
  if (event.object_unlinked) event.flags = event::kExecDeleted;
  event.working_directory = reader.Path(body.working_directory);
  SetPath(reader.Path(body.path), event.working_directory, reader.Text(body.user_path), event);
  event.interpreter = reader.Text(body.interpreter);
  event.arguments = SplitArguments(reader.Bytes(body.arguments));
  event.arguments_truncated = body.arguments.status != TAIL_WHOLE;
  // A refused exec leaves the process as it was: the record holds nothing of an "after".
  if (body.header.result >= 0) event.credentials = CredentialsOf(body.credentials);
  event.object_uid = body.object_uid;
  event.object_gid = body.object_gid;
  event.command = CommandOf(body.command);
  events.push_back(std::move(event));
}

void RecordEvents::AppendExit(Reader& reader, const Origin& origin, Events& events) {
  const auto body = reader.Read<exit_record>();
  Event event = Begin(body.header, EventKind::kExit, origin);
  event.exit_code = body.exit_code;
  events.push_back(std::move(event));
}

void RecordEvents::AppendCredential(Reader& reader, const Origin& origin, Events& events) {
  const auto body = reader.Read<credential_record>();
  Event event = Begin(body.header, EventKind::kCredentialChange, origin);
  event.syscall = SyscallName(body.header.syscall_nr);
  event.credentials = CredentialsOf(body.credentials);
  events.push_back(std::move(event));
}

void RecordEvents::AppendOpen(Reader& reader, const Origin& origin, Events& events) {
  const auto body = reader.Read<open_record>();
  const bool baseline = (body.header.flags & RECORD_FLAG_BASELINE) != 0;
  // Opening a master makes the pty; its number and inode may have belonged to another before.
  if (!baseline && body.header.result >= 0 && body.object.type == OBJECT_PTY &&
      (body.object.flags & OBJECT_FLAG_PTY_MASTER) != 0 &&
      pty_instances_.size() < kPtyInstancesMax) {
    pty_instances_[{body.object.device, body.object.inode}] = body.header.boot_ns;
  }
  Event event = Begin(body.header, baseline ? EventKind::kDescriptor : EventKind::kOpen, origin);
  SetObject(body.object, reader, event);
  SetPath(reader.Path(body.path), reader.Text(body.base), reader.Text(body.user_path), event);
  if (body.object.type == OBJECT_PTY && event.path == kOwnTerminal) {
    event.path = fmt::format("/dev/pts/{}", body.object.device_of_node);
    event.user_path = kOwnTerminal;
  }
  // Queues have a tree of their own, mounted there or nowhere.
  if (body.header.syscall_nr == NR_MQ_OPEN) {
    event.user_path = event.path;
    event.path = "/dev/mqueue/" + event.path.substr(event.path.rfind('/') + 1);
  }
  event.fd = body.header.result < 0 && !baseline ? -1 : body.fd;
  static_assert(event::kOpenCreated == OPEN_CREATED && event::kOpenFound == OPEN_FOUND);
  event.flags = body.open_flags;
  if ((body.open_flags & O_CREAT) != 0) event.value = body.mode;
  if (body.socket.family != 0) {
    event.socket = SocketInfoOf(body.socket, reader.Bytes(body.unix_path));
  }
  events.push_back(std::move(event));
}

void RecordEvents::AppendDescriptor(Reader& reader, const Origin& origin, Events& events) {
  const auto body = reader.Read<descriptor_record>();
  const bool close = body.header.kind == RECORD_CLOSE;
  Event event = Begin(body.header, close ? EventKind::kClose : EventKind::kDup, origin);
  SetObject(body.object, reader, event);
  event.fd = body.fd;
  if (!close || body.header.syscall_nr == NR_CLOSE_RANGE) event.other_fd = body.other_fd;
  event.flags = body.descriptor_flags;
  events.push_back(std::move(event));
}

void RecordEvents::AppendIo(Reader& reader, const Origin& origin, Events& events) {
  const auto body = reader.Read<io_record>();
  if (body.direction != IO_IN && body.direction != IO_OUT) {
    reader.SetError("it moves bytes in no known direction");
  }
  const bool in = body.direction == IO_IN;
  const bool message = IsMessageCall(body.header.syscall_nr);
  const EventKind kind = message ? (in ? EventKind::kRecv : EventKind::kSend)
                                 : (in ? EventKind::kRead : EventKind::kWrite);
  Event event = Begin(body.header, kind, origin);
  SetObject(body.object, reader, event);
  event.fd = body.fd;
  const bool peek = (body.flags & IO_FLAG_PEEK) != 0;
  event.size_bytes = peek ? 0 : MovedBytes(body.header);
  event.flags = (peek ? std::uint64_t{MSG_PEEK} : 0) |
                ((body.flags & IO_FLAG_CUT) != 0 ? std::uint64_t{MSG_TRUNC} : 0);
  event.offset_bytes = body.offset_bytes;
  event.terminal = TerminalOf(body.terminal);
  if (body.has_socket != 0) event.socket = SocketInfoOf(body.socket, {});
  if (body.payload.status == TAIL_WHOLE || body.payload.status == TAIL_TRUNCATED) {
    event.payload = std::string(reader.Bytes(body.payload));
  }
  event.payload_shed = body.payload.status == TAIL_SHED;
  events.push_back(std::move(event));
}

void RecordEvents::AppendPath(Reader& reader, const Origin& origin, Events& events) {
  const auto header = reader.Read<record_header>();
  if ((header.flags & RECORD_FLAG_NAMED) != 0) return AppendNamedPath(reader, origin, events);
  const auto body = reader.Read<path_record>();
  const std::optional<EventKind> kind = PathEventOf(body.header.syscall_nr);
  if (!kind) reader.SetError("its call is not one that works on paths");
  Event event = Begin(body.header, kind.value_or(EventKind::kUnlink), origin);
  SetObject(body.object, reader, event);
  event.fd = body.fd;
  event.flags = body.call_flags;
  event.value = body.value;
  const std::string_view user_path = reader.Text(body.user_path);
  const std::string_view other_user_path = reader.Text(body.other_user_path);
  const std::string_view base = reader.Text(body.base);
  const std::string_view other_base = reader.Text(body.other_base);
  if (event.kind == EventKind::kSymlink) {
    SetPath(reader.Path(body.path), other_base, other_user_path, event);
    event.other_path = user_path;  // the target as text: what it means depends on who follows it
  } else {
    SetPath(reader.Path(body.path), base, user_path, event);
    event.other_path = AbsolutePath(other_base, other_user_path);
  }
  if (body.header.syscall_nr == NR_RMDIR) event.flags |= AT_REMOVEDIR;
  if (event.kind == EventKind::kChdir) event.syscall = SyscallName(body.header.syscall_nr);
  events.push_back(std::move(event));
}

// Of the paths that the kernel half looked up itself.
void RecordEvents::AppendNamedPath(Reader& reader, const Origin& origin, Events& events) {
  const auto header = reader.Read<record_header>();
  replacing_path_record whole{};
  const bool replaces = (header.flags & RECORD_FLAG_REPLACES) != 0;
  if (replaces) {
    whole = reader.Read<replacing_path_record>();
  } else {
    whole.named = reader.Read<named_path_record>();
  }
  const named_path_record& record = whole.named;
  const path_record& body = record.call;
  const std::optional<EventKind> kind = PathEventOf(body.header.syscall_nr);
  if (!kind) reader.SetError("its call is not one that works on paths");
  Event event = Begin(body.header, kind.value_or(EventKind::kUnlink), origin);
  SetObject(body.object, reader, event);
  event.fd = body.fd;
  event.flags = body.call_flags;
  event.value = body.value;
  event.looked_up = true;
  event.other_looked_up = replaces;
  if (replaces && event.result >= 0) event.other_object = KeyOf(whole.replaced, reader);
  reader.Bytes(body.base);
  reader.Bytes(body.other_base);
  const bool is_symlink = event.kind == EventKind::kSymlink;
  const std::string_view user_path =
      reader.Text(is_symlink ? body.other_user_path : body.user_path);
  event.path = reader.Path(body.path);
  event.path_unproven = event.path.empty();
  if (event.path_unproven) {
    event.path = user_path;
  } else if (user_path != event.path) {
    event.user_path = user_path;
  }
  if (is_symlink) {
    event.other_path =
        reader.Text(body.user_path);  // as text: what it means depends on who follows it
  } else {
    event.other_path = reader.Path(record.other_path);
    event.other_path_unproven = event.other_path.empty();
    if (event.other_path_unproven) event.other_path = reader.Text(body.other_user_path);
  }
  if (event.kind == EventKind::kSetAttribute && event.other_path.empty()) {
    event.other_path = body.header.syscall_nr == NR_IOCTL ? "flags" : "times";
  }
  if (body.header.syscall_nr == NR_RMDIR) event.flags |= AT_REMOVEDIR;
  if (event.kind == EventKind::kChdir || event.kind == EventKind::kMount)
    event.syscall = SyscallName(body.header.syscall_nr);
  events.push_back(std::move(event));
}

void RecordEvents::AppendPair(Reader& reader, const Origin& origin, Events& events) {
  const auto body = reader.Read<pair_record>();
  const bool sockets =
      body.object[0].type == OBJECT_SOCKET || body.header.syscall_nr == NR_SOCKETPAIR;
  Event event = Begin(body.header, sockets ? EventKind::kSocketpair : EventKind::kPipe, origin);
  SetObject(body.object[0], reader, event);
  event.other_object = KeyOf(body.object[1], reader);
  if (body.header.result >= 0) {
    event.fd = body.fd[0];
    event.other_fd = body.fd[1];
  }
  event.flags = body.call_flags;
  events.push_back(std::move(event));
}

void RecordEvents::AppendSocket(Reader& reader, const Origin& origin, Events& events) {
  const auto body = reader.Read<socket_record>();
  const std::optional<EventKind> kind = SocketEventOf(body.header.syscall_nr);
  if (!kind) reader.SetError("its call is not one that works on sockets");
  Event event = Begin(body.header, kind.value_or(EventKind::kSocket), origin);
  SetObject(body.object, reader, event);
  event.fd = body.fd;
  if (event.kind == EventKind::kAccept) {
    event.other_object = KeyOf(body.listener, reader);
    event.other_fd = body.fd;
  }
  if (event.kind == EventKind::kAccept || event.kind == EventKind::kSocket) {
    event.fd = body.header.result < 0 ? -1 : static_cast<std::int32_t>(body.header.result);
  }
  if (event.kind == EventKind::kListen || event.kind == EventKind::kShutdown) {
    event.value = static_cast<std::uint64_t>(static_cast<std::int64_t>(body.argument));
  }
  if (event.kind == EventKind::kAccept || event.kind == EventKind::kSocket) {
    event.flags = static_cast<std::uint64_t>(body.argument) & O_CLOEXEC;
  }
  event.socket = SocketInfoOf(body.socket, reader.Bytes(body.unix_path));
  events.push_back(std::move(event));
}

void RecordEvents::AppendTerminal(Reader& reader, const Origin& origin, Events& events) {
  const auto body = reader.Read<terminal_record>();
  Event event = Begin(body.header, EventKind::kWindowSize, origin);
  SetObject(body.object, reader, event);
  event.fd = body.fd;
  event.flags = body.request;
  event.terminal = TerminalOf(body.terminal);
  events.push_back(std::move(event));
}

void RecordEvents::AppendTransfer(Reader& reader, const Origin& origin, Events& events) {
  const auto body = reader.Read<transfer_record>();
  Event read = Begin(body.header, EventKind::kRead, origin);
  SetObject(body.source, reader, read);
  read.fd = body.source_fd;
  read.size_bytes = MovedBytes(body.header);
  Event write = Begin(body.header, EventKind::kWrite, origin);
  SetObject(body.target, reader, write);
  write.fd = body.target_fd;
  write.size_bytes = MovedBytes(body.header);
  // The bytes never were in the program's memory. Of files that are read no payload is taken
  // anyway.
  if ((body.header.flags & RECORD_FLAG_PAYLOAD_LEFT_OUT) != 0) {
    read.payload_shed = body.source.type == OBJECT_SOCKET || body.source.type == OBJECT_PIPE;
    write.payload_shed = read.payload_shed || body.target.type == OBJECT_FILE ||
                         body.target.type == OBJECT_SOCKET || body.target.type == OBJECT_PIPE;
  }
  events.push_back(std::move(read));
  events.push_back(std::move(write));
}

void RecordEvents::AppendSignal(Reader& reader, const Origin& origin, Events& events) {
  const auto body = reader.Read<signal_record>();
  Event event = Begin(body.header, EventKind::kSignal, origin);
  if (body.target_start_boot_ns != 0) {
    event.other_process = {.pid = static_cast<std::uint32_t>(body.target_pid),
                           .start_boot_ns = body.target_start_boot_ns};
  }
  event.value = static_cast<std::uint64_t>(static_cast<std::int64_t>(body.argument));
  event.syscall = SyscallName(body.header.syscall_nr);
  events.push_back(std::move(event));
}

void RecordEvents::AppendProcess(Reader& reader, const Origin& origin, Events& events) {
  const auto body = reader.Read<process_record>();
  Event event = Begin(body.header, EventKind::kProcess, origin);
  event.baseline = true;
  SetObject(body.object, reader, event);
  if (body.parent_pid != 0) {
    event.parent_process = {.pid = body.parent_pid, .start_boot_ns = body.parent_start_boot_ns};
  }
  event.session_id = body.session_id;
  event.credentials = CredentialsOf(body.credentials);
  event.terminal = TerminalOf(body.terminal);
  event.path = reader.Path(body.path);
  event.arguments = SplitArguments(reader.Bytes(body.arguments));
  event.arguments_truncated = body.arguments.status == TAIL_TRUNCATED;
  event.working_directory = reader.Path(body.working_directory);
  event.command = CommandOf(body.command);
  events.push_back(std::move(event));
}

void RecordEvents::AppendSession(Reader& reader, const Origin& origin, Events& events) {
  const auto body = reader.Read<id_record>();
  if (body.header.syscall_nr != NR_SETSID) return;
  Event event = Begin(body.header, EventKind::kSetsid, origin);
  event.value = body.session_id;
  events.push_back(std::move(event));
}

void RecordEvents::AppendName(Reader& reader, const Origin& origin, Events& events) {
  const auto body = reader.Read<name_record>();
  Event event = Begin(body.header, EventKind::kSetName, origin);
  event.command = CommandOf(body.command);
  event.path = event.command;
  event.path_unproven = event.looked_up = true;  // no file's name
  events.push_back(std::move(event));
}

}  // namespace spoor::ingest
