// SPDX-License-Identifier: Apache-2.0
#include "importers/event_fields.hpp"

#include <fcntl.h>

#include <charconv>
#include <initializer_list>

#include "base/base64.hpp"
#include "base/saturating.hpp"
#include "base/time.hpp"
#include "event/number_range.hpp"
#include "event/open_flags.hpp"
#include "importers/json_fields.hpp"

namespace spoor::importers {
namespace {

using event::Event;
using event::EventKind;
using event::ObjectType;

/// An Event and which of the members with a computed default the line had.
struct Line {
  Event event;
  bool kind = false, boot = false, wall = false, tid = false, uid = false, euid = false;
  bool process = false, start = false, child_start = false, parent_start = false;
};

template <typename T>
bool TakeNumber(std::string_view& text, T& value, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool TakeCharacter(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

/// A count of ns or bytes: what the tables hold ends at 2^63 - 1.
Result<bool> TakeCount(Json json, std::uint64_t& value) {
  std::int64_t number = 0;
  RETURN_IF_ERROR(Read(json, number));
  if (number < 0) return Fail(ErrorCode::kCorrupt, "is not an integer of 0 to {}", INT64_MAX);
  value = static_cast<std::uint64_t>(number);
  return true;
}

/// 4711, "4711", "4711@START" or {"pid": 4711, "start_boot_ns": START}.
Result<bool> TakeProcess(Json json, event::ProcessKey& process, bool& has_start) {
  simdjson::dom::object object;
  if (json.get(object) == simdjson::SUCCESS) {
    RETURN_IF_ERROR(ReadMembers(object, "", [&](std::string_view key, Json value) -> Result<bool> {
      if (key == "pid") return Take(value, process.pid);
      if (key == "start_boot_ns") {
        has_start = true;
        return TakeCount(value, process.start_boot_ns);
      }
      return false;
    }));
    return true;
  }
  std::string_view text;
  if (json.get(text) != simdjson::SUCCESS) return Take(json, process.pid);
  bool good = TakeNumber(text, process.pid);
  if (good && TakeCharacter(text, '@')) {
    has_start = true;
    good = TakeNumber(text, process.start_boot_ns) && process.start_boot_ns <= INT64_MAX;
  }
  if (!good || !text.empty()) {
    return Fail(ErrorCode::kCorrupt, "is not a process such as \"4711\" or \"4711@1000000\"");
  }
  return true;
}

/// "file:12", "file:2049/12", with ".GENERATION" and "#INSTANCE" behind, or an object of its
/// members.
Result<bool> TakeObject(Json json, event::ObjectKey& object) {
  const auto set_type = [&](std::string_view name) -> Result<bool> {
    const std::optional<ObjectType> type = event::ObjectTypeOf(name);
    if (!type) return Fail(ErrorCode::kCorrupt, "has the unknown type \"{}\"", name);
    object.type = *type;
    return true;
  };
  simdjson::dom::object members;
  if (json.get(members) == simdjson::SUCCESS) {
    RETURN_IF_ERROR(ReadMembers(members, "", [&](std::string_view key, Json value) -> Result<bool> {
      std::string_view text;
      if (key == "type") {
        if (value.get(text) != simdjson::SUCCESS) return Fail(ErrorCode::kCorrupt, "is not text");
        return set_type(text);
      }
      if (key == "device") return Take(value, object.device);
      if (key == "inode") return Take(value, object.inode);
      if (key == "generation") return Take(value, object.generation);
      if (key == "instance") return Take(value, object.instance);
      if (key == "path") return Take(value, object.path);
      return false;
    }));
    return true;
  }
  std::string_view text;
  if (json.get(text) != simdjson::SUCCESS) return Fail(ErrorCode::kCorrupt, "is not an object key");
  const std::size_t colon = text.find(':');
  ASSIGN_OR_RETURN(const bool known, set_type(text.substr(0, colon)));
  text.remove_prefix(std::min(text.size(), colon == std::string_view::npos ? colon : colon + 1));
  if (object.type == ObjectType::kPath) {
    object.path = text;
    return known;
  }
  bool good = TakeNumber(text, object.inode);
  if (good && TakeCharacter(text, '/')) {
    good = object.inode <= UINT32_MAX;
    object.device = static_cast<std::uint32_t>(object.inode);
    good = good && TakeNumber(text, object.inode);
  }
  if (good && TakeCharacter(text, '.')) good = TakeNumber(text, object.generation);
  if (good && TakeCharacter(text, '#')) good = TakeNumber(text, object.instance);
  if (!good || !text.empty()) {
    return Fail(ErrorCode::kCorrupt, "is not an object such as \"file:12\" or \"file:2049/12.3\"");
  }
  return known;
}

/// A number, or O_… names joined by "|".
Result<bool> TakeFlags(Json json, std::uint64_t& flags) {
  static const std::map<std::string_view, int> kNames{
      {"O_RDONLY", O_RDONLY},      {"O_WRONLY", O_WRONLY},
      {"O_RDWR", O_RDWR},          {"O_CREAT", O_CREAT},
      {"O_EXCL", O_EXCL},          {"O_TRUNC", O_TRUNC},
      {"O_APPEND", O_APPEND},      {"O_DIRECTORY", O_DIRECTORY},
      {"O_CLOEXEC", O_CLOEXEC},    {"O_NONBLOCK", O_NONBLOCK},
      {"O_NOFOLLOW", O_NOFOLLOW},  {"O_PATH", 010000000},
      {"O_TMPFILE", 020200000},    {"CREATED", event::kOpenCreated},
      {"FOUND", event::kOpenFound}};
  std::string_view text;
  if (json.get(text) != simdjson::SUCCESS) return Take(json, flags);
  while (!text.empty()) {
    const std::size_t bar = std::min(text.size(), text.find('|'));
    const auto name = kNames.find(text.substr(0, bar));
    if (name == kNames.end()) {
      return Fail(ErrorCode::kCorrupt, "has the unknown flag \"{}\"", text.substr(0, bar));
    }
    flags |= static_cast<std::uint64_t>(name->second);
    text.remove_prefix(std::min(text.size(), bar + 1));
  }
  return true;
}

/// A number, or octal digits as text ("0104755").
Result<bool> TakeMode(Json json, std::uint32_t& mode) {
  std::string_view text;
  if (json.get(text) != simdjson::SUCCESS) return Take(json, mode);
  if (!TakeNumber(text, mode, 8) || !text.empty()) {
    return Fail(ErrorCode::kCorrupt, "is not a mode such as \"0100644\"");
  }
  return true;
}

Result<bool> TakeCredentials(Json json, std::optional<event::Credentials>& target) {
  simdjson::dom::object members;
  if (json.get(members) != simdjson::SUCCESS) return Fail(ErrorCode::kCorrupt, "is not an object");
  event::Credentials& ids = target.emplace();
  std::optional<std::uint32_t> euid, suid, fsuid, egid, sgid, fsgid;
  const auto take = [](Json value, std::optional<std::uint32_t>& id) {
    return Take(value, id.emplace());
  };
  RETURN_IF_ERROR(ReadMembers(members, "", [&](std::string_view key, Json value) -> Result<bool> {
    if (key == "uid") return Take(value, ids.uid);
    if (key == "euid") return take(value, euid);
    if (key == "suid") return take(value, suid);
    if (key == "fsuid") return take(value, fsuid);
    if (key == "gid") return Take(value, ids.gid);
    if (key == "egid") return take(value, egid);
    if (key == "sgid") return take(value, sgid);
    if (key == "fsgid") return take(value, fsgid);
    if (key == "cap_effective") return Take(value, ids.cap_effective);
    if (key == "cap_permitted") return Take(value, ids.cap_permitted);
    if (key == "cap_inheritable") return Take(value, ids.cap_inheritable);
    if (key == "user_namespace") return Take(value, ids.user_namespace);
    return false;
  }));
  ids.euid = euid.value_or(ids.uid);
  ids.suid = suid.value_or(ids.euid);
  ids.fsuid = fsuid.value_or(ids.euid);
  ids.egid = egid.value_or(ids.gid);
  ids.sgid = sgid.value_or(ids.egid);
  ids.fsgid = fsgid.value_or(ids.egid);
  return true;
}

Result<bool> TakeSocket(Json json, std::optional<event::SocketInfo>& target) {
  simdjson::dom::object members;
  if (json.get(members) != simdjson::SUCCESS) return Fail(ErrorCode::kCorrupt, "is not an object");
  event::SocketInfo& socket = target.emplace();
  RETURN_IF_ERROR(ReadMembers(members, "", [&](std::string_view key, Json value) -> Result<bool> {
    if (key == "netns") return Take(value, socket.netns);
    if (key == "family") return Take(value, socket.family);
    if (key == "type") return Take(value, socket.type);
    if (key == "protocol") return Take(value, socket.protocol);
    if (key == "local_ip") return Take(value, socket.local_ip);
    if (key == "local_port") return Take(value, socket.local_port);
    if (key == "remote_ip") return Take(value, socket.remote_ip);
    if (key == "remote_port") return Take(value, socket.remote_port);
    if (key == "unix_path") return Take(value, socket.unix_path);
    if (key == "peer_inode") return Take(value, socket.peer_inode);
    if (key == "state") return Take(value, socket.state);
    return false;
  }));
  return true;
}

Result<bool> TakeTerminal(Json json, std::optional<event::TerminalState>& target) {
  simdjson::dom::object members;
  if (json.get(members) != simdjson::SUCCESS) return Fail(ErrorCode::kCorrupt, "is not an object");
  event::TerminalState& terminal = target.emplace();
  RETURN_IF_ERROR(ReadMembers(members, "", [&](std::string_view key, Json value) -> Result<bool> {
    if (key == "rows") return Take(value, terminal.rows);
    if (key == "columns") return Take(value, terminal.columns);
    if (key == "echo") return Take(value, terminal.echo);
    if (key == "canonical") return Take(value, terminal.canonical);
    return false;
  }));
  return true;
}

Result<bool> TakeLoss(Json json, std::optional<event::LossCount>& target) {
  simdjson::dom::object members;
  if (json.get(members) != simdjson::SUCCESS) return Fail(ErrorCode::kCorrupt, "is not an object");
  event::LossCount& loss = target.emplace();
  RETURN_IF_ERROR(ReadMembers(members, "", [&](std::string_view key, Json value) -> Result<bool> {
    if (key == "loss_class") return Take(value, loss.loss_class);
    if (key == "count") return Take(value, loss.count);
    if (key == "from_boot_ns") return TakeCount(value, loss.from_boot_ns);
    if (key == "reason") return Take(value, loss.reason);
    return false;
  }));
  return true;
}

Result<bool> TakePayload(Json json, bool base64, Event& event) {
  if (event.payload) return Fail(ErrorCode::kCorrupt, "is there beside another payload");
  RETURN_IF_ERROR(Read(json, event.payload.emplace()));
  if (!base64) return true;
  event.payload = FromBase64(*event.payload);
  if (!event.payload) return Fail(ErrorCode::kCorrupt, "is not base64");
  return true;
}

Result<bool> TakeKind(Json json, Line& line) {
  std::string name;
  RETURN_IF_ERROR(Read(json, name));
  const std::optional<EventKind> kind = event::EventKindOf(name);
  if (!kind) return Fail(ErrorCode::kCorrupt, "\"{}\" is no kind of event", name);
  line.event.kind = *kind;
  line.kind = true;
  return true;
}

Result<bool> TakeTime(Json json, Line& line) {
  std::string text;
  RETURN_IF_ERROR(Read(json, text));
  const auto wall_ns = ParseWallTime(text, 0);
  if (!wall_ns || text.starts_with('-') || text == "now") {
    return Fail(ErrorCode::kCorrupt, "\"{}\" is not a time such as 2026-11-21T20:31:35Z", text);
  }
  line.event.wall_ns = *wall_ns;
  line.wall = true;
  return true;
}

template <typename T>
Result<bool> TakeNoting(Json json, T& value, bool& had) {
  had = true;
  return Take(json, value);
}

/// Who and when; false: another key.
Result<bool> TakeIdentityMember(std::string_view key, Json value, Line& line) {
  Event& event = line.event;
  if (key == "kind") return TakeKind(value, line);
  if (key == "host") return Take(value, event.host);
  if (key == "boot_id") return Take(value, event.boot_id);
  if (key == "time") return TakeTime(value, line);
  if (key == "boot_ns") {
    line.boot = true;
    return TakeCount(value, event.end_boot_ns);
  }
  if (key == "wall_ns") return TakeNoting(value, event.wall_ns, line.wall);
  if (key == "begin_boot_ns") return TakeCount(value, event.begin_boot_ns);
  if (key == "baseline") return Take(value, event.baseline);
  if (key == "tid") return TakeNoting(value, event.tid, line.tid);
  if (key == "uid") return TakeNoting(value, event.uid, line.uid);
  if (key == "euid") return TakeNoting(value, event.euid, line.euid);
  if (key == "process") {
    line.process = true;
    return TakeProcess(value, event.process, line.start);
  }
  if (key == "child_process") {
    return TakeProcess(value, event.other_process.emplace(), line.child_start);
  }
  if (key == "parent_process") {
    return TakeProcess(value, event.parent_process.emplace(), line.parent_start);
  }
  return false;
}

/// What was done to what; false: another key.
Result<bool> TakeCallMember(std::string_view key, Json value, Event& event) {
  if (key == "object") return TakeObject(value, event.object);
  if (key == "other_object") return TakeObject(value, event.other_object);
  if (key == "object_pty_master") return Take(value, event.object_pty_master);
  if (key == "path") return Take(value, event.path);
  if (key == "user_path") return Take(value, event.user_path);
  if (key == "other_path") return Take(value, event.other_path);
  if (key == "fd") return Take(value, event.fd);
  if (key == "other_fd") return Take(value, event.other_fd);
  if (key == "size_bytes") return TakeCount(value, event.size_bytes);
  if (key == "offset_bytes") return Take(value, event.offset_bytes);
  if (key == "flags") return TakeFlags(value, event.flags);
  if (key == "value") return Take(value, event.value);
  if (key == "mode") return TakeMode(value, event.mode);
  if (key == "result") return Take(value, event.result);
  if (key == "syscall") return Take(value, event.syscall);
  if (key == "socket") return TakeSocket(value, event.socket);
  if (key == "terminal") return TakeTerminal(value, event.terminal);
  if (key == "payload") return TakePayload(value, false, event);
  if (key == "payload_base64") return TakePayload(value, true, event);
  if (key == "payload_shed") return Take(value, event.payload_shed);
  if (key == "loss") return TakeLoss(value, event.loss);
  return false;
}

/// Of programs and processes; false: unknown.
Result<bool> TakeProgramMember(std::string_view key, Json value, Event& event) {
  if (key == "command") return Take(value, event.command);
  if (key == "credentials") return TakeCredentials(value, event.credentials);
  if (key == "object_uid") return Take(value, event.object_uid);
  if (key == "object_gid") return Take(value, event.object_gid);
  if (key == "interpreter") return Take(value, event.interpreter);
  if (key == "arguments") return Take(value, event.arguments);
  if (key == "arguments_truncated") return Take(value, event.arguments_truncated);
  if (key == "working_directory") return Take(value, event.working_directory);
  if (key == "session_id") return Take(value, event.session_id.emplace());
  if (key == "exit_code") return Take(value, event.exit_code.emplace());
  return false;
}

Result<> CheckComplete(const Line& line) {
  const Event& event = line.event;
  if (!line.kind) return Fail(ErrorCode::kCorrupt, "there is no \"kind\"");
  const auto need = [&](bool there, std::string_view what) -> Result<> {
    if (there) return {};
    return Fail(ErrorCode::kCorrupt, "kind \"{}\" needs {}", event::EventKindName(event.kind),
                what);
  };
  const event::Needs needs = event::TraitsOf(event.kind).needs;
  if (needs == event::Needs::kOnlyLoss) return need(event.loss.has_value(), "\"loss\"");
  RETURN_IF_ERROR(need(line.process, "\"process\""));
  switch (needs) {
    case event::Needs::kOtherProcess:
      return need(event.other_process.has_value(), "\"child_process\"");
    case event::Needs::kPath:
      return need(!event.path.empty(), "\"path\"");
    case event::Needs::kTwoPaths:
      return need(!event.path.empty() && !event.other_path.empty(), "\"path\" and \"other_path\"");
    case event::Needs::kCredentials:
      return need(event.credentials.has_value(), "\"credentials\"");
    case event::Needs::kTwoDescriptors:
      return need(event.fd >= 0 && event.other_fd >= 0, "\"fd\" and \"other_fd\"");
    case event::Needs::kDescriptor:
      return need(event.fd >= 0, "\"fd\"");
    case event::Needs::kSomeObject:
      return need(event.fd >= 0 || !event.path.empty() || event.object.type != ObjectType::kNone,
                  "\"fd\", \"path\" or \"object\"");
    case event::Needs::kNothing:
    case event::Needs::kOnlyLoss:
      break;
  }
  return {};
}

}  // namespace

Result<> EventDefaults::Fill(simdjson::dom::object object, event::Event& event) {
  Line line;
  RETURN_IF_ERROR(ReadMembers(object, "", [&](std::string_view key, Json value) -> Result<bool> {
    ASSIGN_OR_RETURN(bool known, TakeIdentityMember(key, value, line));
    if (!known) {
      ASSIGN_OR_RETURN(known, TakeCallMember(key, value, line.event));
    }
    if (!known) {
      ASSIGN_OR_RETURN(known, TakeProgramMember(key, value, line.event));
    }
    return known;
  }));
  RETURN_IF_ERROR(CheckComplete(line));
  event = std::move(line.event);
  if (event.host.empty()) event.host = default_host_;
  FillTimes(event, line.boot, line.wall);
  if (event.kind == EventKind::kLoss) return {};
  FillProcesses(event, line.start, line.child_start, line.parent_start);
  if (!line.tid) event.tid = event.process.pid;
  FillUser(event, line.uid, line.euid);
  return {};
}

void EventDefaults::FillTimes(event::Event& event, bool has_boot, bool has_wall) {
  constexpr std::uint64_t kStepNs = 1'000'000;
  std::int64_t& difference_ns = wall_minus_boot_ns_[event.host];
  const auto signed_boot = [&] { return static_cast<std::int64_t>(event.end_boot_ns); };
  if (!has_boot && has_wall) {
    const std::int64_t boot_ns = SaturatingSub(event.wall_ns, difference_ns);
    event.end_boot_ns = static_cast<std::uint64_t>(std::max<std::int64_t>(boot_ns, 0));
  } else if (!has_wall) {
    if (!has_boot) event.end_boot_ns = last_boot_ns_ + kStepNs;
    event.wall_ns = SaturatingAdd(signed_boot(), difference_ns);
  }
  // A line whose time cannot be says nothing about those after it.
  if (!event::IsPossibleBootTime(event.end_boot_ns) || !event::IsPossibleWallTime(event.wall_ns)) {
    return;
  }
  if (has_boot && has_wall) difference_ns = event.wall_ns - signed_boot();
  last_boot_ns_ = event.end_boot_ns;
}

void EventDefaults::FillProcesses(event::Event& event, bool has_start, bool has_child_start,
                                  bool has_parent_start) {
  const auto complete = [&](event::ProcessKey& process, bool has) {
    std::uint64_t& known = start_boot_ns_[{event.host, process.pid}];
    if (has) {
      known = process.start_boot_ns;
    } else {
      process.start_boot_ns = known;
    }
  };
  complete(event.process, has_start);
  if (event.other_process) {
    // A fork makes a new process, whoever had the number before.
    if (event.kind == EventKind::kFork && !has_child_start) {
      event.other_process->start_boot_ns = event.end_boot_ns;
      has_child_start = true;
    }
    complete(*event.other_process, has_child_start);
  }
  if (event.parent_process) complete(*event.parent_process, has_parent_start);
}

void EventDefaults::FillUser(event::Event& event, bool has_uid, bool has_euid) {
  User& user = users_[{event.host, event.process.pid}];
  if (event.credentials && event.result >= 0)
    user = {event.credentials->uid, event.credentials->euid};
  if (has_uid) user = {event.uid, event.uid};
  if (has_euid) user.euid = event.euid;
  event.uid = user.uid;
  event.euid = user.euid;
  if (event.kind == EventKind::kFork) users_[{event.host, event.other_process->pid}] = user;
}

}  // namespace spoor::importers
