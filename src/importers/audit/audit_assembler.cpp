// SPDX-License-Identifier: Apache-2.0
#include "importers/audit/audit_assembler.hpp"

#include <charconv>
#include <limits>

#include "importers/audit/audit_syscalls.hpp"
#include "importers/text/fields.hpp"

namespace spoor::importers {
namespace {

constexpr std::int64_t kOpenNs = 2'000'000'000;
constexpr std::size_t kOpenMax = 1 << 14;
constexpr std::size_t kArgvMax = 1 << 16;
constexpr std::size_t kArgvBytesMax = 4 << 20;

std::optional<std::uint32_t> Id(const AuditRecord& record, std::string_view name) {
  const auto number = record.Number(name);
  if (!number || *number > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

std::string Text(const AuditRecord& record, std::string_view name) {
  const std::string* const value = record.Find(name);
  return value == nullptr ? std::string() : *value;
}

std::optional<std::int64_t> Signed(const AuditRecord& record, std::string_view name) {
  const std::string* const value = record.Find(name);
  std::int64_t number = 0;
  if (value == nullptr) return std::nullopt;
  const char* const end = value->data() + value->size();
  const auto [rest, error] = std::from_chars(value->data(), end, number);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return number;
}

void FillTask(const AuditRecord& record, AuditEvent& event) {
  event.pid = Id(record, "pid");
  event.ppid = Id(record, "ppid");
  event.uid = Id(record, "uid");
  event.euid = Id(record, "euid");
  event.suid = Id(record, "suid");
  event.fsuid = Id(record, "fsuid");
  event.gid = Id(record, "gid");
  event.egid = Id(record, "egid");
  event.sgid = Id(record, "sgid");
  event.fsgid = Id(record, "fsgid");
  event.login_uid = Id(record, "auid");
  event.login_session = Id(record, "ses");
  event.command = Text(record, "comm");
  event.executable = Text(record, "exe");
  event.key = Text(record, "key");
}

void FillCall(const AuditRecord& record, AuditEvent& event) {
  FillTask(record, event);
  const auto number = record.Number("syscall");
  const auto architecture = record.Hex("arch");
  event.syscall = Text(record, "SYSCALL");  // what an enriching daemon calls it
  if (event.syscall.empty() && number) {
    event.syscall = SyscallName(architecture.value_or(0), *number);
  } else if (event.syscall.empty()) {
    event.syscall = Text(record, "syscall");
  }
  event.success = Text(record, "success") != "no";
  event.exit = Signed(record, "exit");
  event.arguments = {record.Hex("a0"), record.Hex("a1"), record.Hex("a2"), record.Hex("a3")};
}

/// "a3" or, of what was too long for one record, "a3[1]".
void FillArguments(const AuditRecord& record, AuditEvent& event) {
  const auto count = record.Number("argc");
  std::size_t bytes = 0;
  for (const auto& [name, value] : record.fields) {
    if (!name.starts_with('a') || name == "argc" || name.ends_with("_len")) continue;
    std::size_t index = 0;
    const char* const end = name.data() + name.size();
    const auto [rest, error] = std::from_chars(name.data() + 1, end, index);
    if (error != std::errc{} || (rest != end && *rest != '[') || index >= kArgvMax) continue;
    bytes += value.size();
    if (bytes > kArgvBytesMax) {
      event.argv_truncated = true;
      return;
    }
    if (event.argv.size() <= index) event.argv.resize(index + 1);
    event.argv[index] += value;
  }
  if (count && event.argv.size() < *count) event.argv_truncated = true;
}

void FillPath(const AuditRecord& record, AuditEvent& event) {
  AuditPath path;
  path.name = Text(record, "name");
  path.nametype = Text(record, "nametype");
  path.inode = record.Number("inode").value_or(0);
  path.device = ParseAuditDevice(Text(record, "dev"));
  const std::string mode = Text(record, "mode");
  std::from_chars(mode.data(), mode.data() + mode.size(), path.mode, 8);
  path.uid = Id(record, "ouid").value_or(0);
  path.gid = Id(record, "ogid").value_or(0);
  const auto item = record.Number("item");
  constexpr std::size_t kPathsMax = 64;
  if (item && *item < kPathsMax) {
    if (event.paths.size() <= *item) event.paths.resize(*item + 1);
    event.paths[*item] = std::move(path);
  } else if (event.paths.size() < kPathsMax) {
    event.paths.push_back(std::move(path));
  }
}

}  // namespace

std::uint32_t ParseAuditDevice(std::string_view text) {
  const auto major = ParseHexNumber(TakeUntil(text, ":"));
  const auto minor = ParseHexNumber(text);
  return major && minor ? DeviceOf(*major, *minor) : 0;
}

void AuditAssembler::Take(const AuditRecord& record, std::vector<AuditEvent>& events) {
  AuditEvent& event =
      open_.try_emplace(Name{record.wall_ns, record.serial, record.node}).first->second;
  event.wall_ns = record.wall_ns;
  event.serial = record.serial;
  event.node = record.node;
  if (record.type == "SYSCALL") {
    FillCall(record, event);
  } else if (record.type == "EXECVE") {
    FillArguments(record, event);
  } else if (record.type == "CWD") {
    event.working_directory = Text(record, "cwd");
  } else if (record.type == "PATH") {
    FillPath(record, event);
  } else if (record.type == "PROCTITLE") {
    event.title = Text(record, "proctitle");
  } else if (record.type == "SOCKADDR") {
    event.socket_address = HexBytes(Text(record, "saddr")).value_or(std::string());
  } else if (record.type == "OBJ_PID") {
    event.target_pid = Id(record, "opid");
    event.target_command = Text(record, "ocomm");
  } else if (record.type == "TTY") {
    FillTask(record, event);
    event.terminal_input = Text(record, "data");
    event.terminal_device =
        DeviceOf(record.Number("major").value_or(0), record.Number("minor").value_or(0));
  } else if (record.type != "EOE") {
    if (event.syscall.empty()) {
      if (!event.pid) FillTask(record, event);
    }
    event.messages.emplace_back(record.type, record.text);
  }
  Begin(record.wall_ns, events);
}

void AuditAssembler::TakeJoined(AuditEvent event, std::vector<AuditEvent>& events) {
  const std::int64_t wall_ns = event.wall_ns;
  Name name{wall_ns, event.serial, event.node};
  // Two events of one name: the first goes out before.
  if (const auto found = open_.find(name); found != open_.end()) {
    events.push_back(std::move(found->second));
    open_.erase(found);
  }
  open_.emplace(std::move(name), std::move(event));
  Begin(wall_ns, events);
}

/// A record of `wall_ns` was taken.
void AuditAssembler::Begin(std::int64_t wall_ns, std::vector<AuditEvent>& events) {
  if (wall_ns < newest_wall_ns_ - kOpenNs) {
    // Another log begins, or a clock was set back: what is later is as whole as it will be.
    for (auto open = open_.upper_bound(Name{wall_ns + kOpenNs, 0, {}}); open != open_.end();) {
      events.push_back(std::move(open->second));
      open = open_.erase(open);
    }
    newest_wall_ns_ = wall_ns;
  }
  newest_wall_ns_ = std::max(newest_wall_ns_, wall_ns);
  CloseUntil(newest_wall_ns_ - kOpenNs, events);
  while (open_.size() > kOpenMax) {
    events.push_back(std::move(open_.begin()->second));
    open_.erase(open_.begin());
  }
}

void AuditAssembler::CloseUntil(std::int64_t wall_ns, std::vector<AuditEvent>& events) {
  while (!open_.empty() && std::get<0>(open_.begin()->first) < wall_ns) {
    events.push_back(std::move(open_.begin()->second));
    open_.erase(open_.begin());
  }
}

void AuditAssembler::Finish(std::vector<AuditEvent>& events) {
  CloseUntil(std::numeric_limits<std::int64_t>::max(), events);
}

}  // namespace spoor::importers
