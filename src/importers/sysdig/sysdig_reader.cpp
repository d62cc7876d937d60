// SPDX-License-Identifier: Apache-2.0
#include "importers/sysdig/sysdig_reader.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>

#include "event/unknown_user.hpp"
#include "importers/host_processes.hpp"
#include "importers/sysdig/sysdig_line.hpp"
#include "importers/text/fields.hpp"
#include "importers/text/line_source.hpp"

namespace spoor::importers {
namespace {

using event::EventKind;
using event::ObjectType;

bool IsOneOf(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// "0", "-2(ENOENT)", "7514(ls)".
std::optional<std::int64_t> ResultOf(std::string_view arguments) {
  const auto result = ParseSysdigDescriptor(SysdigArgument(arguments, "res"));
  return result ? std::optional(result->number) : std::nullopt;
}

class SysdigReader : public LineSource {
 public:
  explicit SysdigReader(const ImportOptions& options) : options_(options), days_(options.time) {}

 protected:
  Line TakeLine(std::string_view text, event::Findings& findings) override {
    const auto line = ParseSysdigLine(text);
    if (!line) return Line::kMalformed;
    const bool clock_alone = line->time.find('-') == line->time.npos && line->time.find(':') < 3;
    if (clock_alone && !days_.has_day()) return Line::kNoDate;
    auto wall_ns =
        clock_alone ? days_.ParseClock(line->time) : ParseIsoTime(line->time, options_.time);
    if (!wall_ns) wall_ns = ParseEpochTime(line->time);
    // Seconds since the capture began are no times of the clock.
    constexpr std::int64_t kFirstPossibleNs = 1'000'000'000'000'000'000;
    if (!wall_ns || *wall_ns < kFirstPossibleNs) return Line::kMalformed;
    if (line->pid != 0 && TakeCall(*line, *wall_ns, findings)) return Line::kRead;
    event::LogLine& entry = findings.log_lines.emplace_back();
    entry.source = fmt::format("sysdig {}", line->call);
    entry.program = line->program == "<NA>" ? std::string_view() : line->program;
    entry.wall_ns = wall_ns;
    entry.message = fmt::format("pid={} tid={} {} {} {}", line->pid, line->tid,
                                line->entry ? '>' : '<', line->call, line->arguments);
    return Line::kRead;
  }

 private:
  bool TakeCall(const SysdigLine& line, std::int64_t wall_ns, event::Findings& findings) {
    event::Event event;
    event.host = options_.host;
    event.wall_ns = wall_ns;
    event.end_boot_ns = static_cast<std::uint64_t>(wall_ns);
    event.tid = line.tid;
    event.uid = event.euid = event::kUnknownUser;
    if (const auto user = ParseNumber(SysdigArgument(line.arguments, "uid"));
        user && *user < event::kUnknownUser) {
      event.uid = event.euid = static_cast<std::uint32_t>(*user);
    }
    const std::uint32_t pid = ProcessOf(line);
    if (!FillCall(line, pid, event)) return false;
    const HostProcesses::Found found = processes_.Find(event.host, pid, wall_ns);
    event.process = found.process;
    if (found.first) TellProcess(line, event, findings);
    if (event.kind == EventKind::kExit) processes_.End(event.host, pid);
    if (event.kind == EventKind::kFork) {
      event.other_process =
          processes_.Start(event.host, static_cast<std::uint32_t>(event.result), wall_ns);
    }
    findings.events.push_back(std::move(event));
    return true;
  }

  /// Older lines name the thread alone; an exec names both.
  static std::uint32_t ProcessOf(const SysdigLine& line) {
    const auto told = ParseSysdigDescriptor(SysdigArgument(line.arguments, "pid"));
    const bool names_both = IsOneOf(line.call, {"execve", "execveat"});
    return names_both && told && told->number > 0 && told->number <= INT32_MAX
               ? static_cast<std::uint32_t>(told->number)
               : line.pid;
  }

  static bool FillCall(const SysdigLine& line, std::uint32_t pid, event::Event& event) {
    if (line.call == "procexit") {
      // The end of a thread is none of the process.
      if (line.tid != pid) return false;
      event.kind = EventKind::kExit;
      if (const auto status = ParseNumber(SysdigArgument(line.arguments, "status"))) {
        event.exit_code = static_cast<std::uint32_t>(*status);
      }
      return true;
    }
    if (line.entry) return false;
    if (IsOneOf(line.call, {"execve", "execveat"})) return FillExec(line, event);
    if (IsOneOf(line.call, {"clone", "clone3", "fork", "vfork"})) return FillFork(line, event);
    if (line.call == "connect") return FillSocket(line, EventKind::kConnect, event);
    if (IsOneOf(line.call, {"accept", "accept4"}))
      return FillSocket(line, EventKind::kAccept, event);
    if (IsOneOf(line.call, {"open", "openat", "openat2", "creat"})) return FillOpen(line, event);
    if (IsOneOf(line.call, {"unlink", "unlinkat"})) return FillUnlink(line, event);
    return false;
  }

  static void SetPath(std::string_view path, event::Event& event) {
    event.path = path;
    if (path.starts_with('/')) event.object = {.type = ObjectType::kPath, .path = event.path};
  }

  // Between arguments sysdig prints a point, which arguments have too: they stay together.
  static bool FillExec(const SysdigLine& line, event::Event& event) {
    const auto result = ResultOf(line.arguments);
    const std::string_view program = SysdigArgument(line.arguments, "exe");
    if (!result || program.empty()) return false;
    event.kind = EventKind::kExec;
    event.result = *result;
    event.command = SysdigArgument(line.arguments, "comm");
    if (event.command.empty()) event.command = line.program;
    const std::string_view trusted = SysdigArgument(line.arguments, "trusted_exepath");
    SetPath(trusted.starts_with('/') ? trusted : program, event);
    event.working_directory = SysdigArgument(line.arguments, "cwd");
    event.arguments.emplace_back(program);
    std::string_view arguments = SysdigArgument(line.arguments, "args");
    if (arguments.ends_with('.')) arguments.remove_suffix(1);
    if (!arguments.empty()) event.arguments.emplace_back(arguments);
    return true;
  }

  // In the child the result is 0. A thread has the process of its maker.
  static bool FillFork(const SysdigLine& line, event::Event& event) {
    const auto result = ResultOf(line.arguments);
    const bool thread = line.arguments.find("CLONE_THREAD") != line.arguments.npos;
    if (!result || *result <= 0 || *result > INT32_MAX || thread) return false;
    event.kind = EventKind::kFork;
    event.result = *result;
    event.command = line.program;
    return true;
  }

  static bool FillSocket(const SysdigLine& line, EventKind kind, event::Event& event) {
    const auto descriptor = ParseSysdigDescriptor(SysdigArgument(line.arguments, "fd"));
    const auto result = ResultOf(line.arguments);
    std::string_view tuple = SysdigArgument(line.arguments, "tuple");
    if (tuple.empty() && descriptor) tuple = descriptor->name;
    event.socket = ParseSysdigTuple(tuple, descriptor ? descriptor->type : std::string_view(),
                                    kind == EventKind::kAccept);
    if (!event.socket) return false;
    event.kind = kind;
    event.result = result ? *result : (descriptor ? descriptor->number : 0);
    if (descriptor && descriptor->number >= 0 && descriptor->number <= INT32_MAX) {
      event.fd = static_cast<std::int32_t>(descriptor->number);
    }
    return true;
  }

  static bool FillOpen(const SysdigLine& line, event::Event& event) {
    const auto descriptor = ParseSysdigDescriptor(SysdigArgument(line.arguments, "fd"));
    const std::string_view name = SysdigArgument(line.arguments, "name");
    if (!descriptor || name.empty()) return false;
    event.kind = EventKind::kOpen;
    event.result = descriptor->number;
    if (descriptor->number >= 0 && descriptor->number <= INT32_MAX) {
      event.fd = static_cast<std::int32_t>(descriptor->number);
    }
    // "/etc/passwd", or "passwd(/etc/passwd)" where the name was relative.
    const bool resolved = descriptor->type == "f" && descriptor->name.starts_with('/');
    SetPath(resolved ? descriptor->name : name.substr(0, name.find('(')), event);
    event.flags = FlagsOf(SysdigArgument(line.arguments, "flags"));
    return true;
  }

  static bool FillUnlink(const SysdigLine& line, event::Event& event) {
    const auto result = ResultOf(line.arguments);
    std::string_view name = SysdigArgument(line.arguments, "path");
    if (name.empty()) name = SysdigArgument(line.arguments, "name");
    if (const auto resolved = Between(name, "(", ")"); resolved && resolved->starts_with('/')) {
      name = *resolved;
    }
    if (!result || name.empty()) return false;
    event.kind = EventKind::kUnlink;
    event.result = *result;
    SetPath(name, event);
    return true;
  }

  /// "4097(O_RDONLY|O_CLOEXEC)": the number is sysdig's own, so the words count.
  static std::uint64_t FlagsOf(std::string_view text) {
    std::uint64_t flags = 0;
    const auto has = [&](std::string_view name) { return text.find(name) != text.npos; };
    const bool reads = has("O_RDONLY"), writes = has("O_WRONLY");
    if (has("O_RDWR") || (reads && writes)) {
      flags |= O_RDWR;
    } else if (writes) {
      flags |= O_WRONLY;
    }
    if (has("O_CREAT")) flags |= O_CREAT;
    if (has("O_TRUNC")) flags |= O_TRUNC;
    if (has("O_APPEND")) flags |= O_APPEND;
    if (has("O_EXCL")) flags |= O_EXCL;
    if (has("O_CLOEXEC")) flags |= O_CLOEXEC;
    return flags;
  }

  void TellProcess(const SysdigLine& line, const event::Event& told, event::Findings& findings) {
    event::Event event;
    event.kind = EventKind::kProcess;
    event.baseline = true;
    event.host = told.host;
    event.wall_ns = told.wall_ns;
    event.end_boot_ns = told.end_boot_ns;
    event.process = told.process;
    event.tid = told.process.pid;
    event.uid = told.uid;
    event.euid = told.euid;
    const auto parent = ParseSysdigDescriptor(SysdigArgument(line.arguments, "ptid"));
    if (told.kind == EventKind::kExec && parent && parent->number > 0 &&
        parent->number <= INT32_MAX) {
      event.parent_process =
          processes_.Mention(told.host, static_cast<std::uint32_t>(parent->number), told.wall_ns);
    }
    if (told.kind != EventKind::kExec) event.command = line.program;
    findings.events.push_back(std::move(event));
  }

  const ImportOptions options_;
  DayKeeper days_;
  HostProcesses processes_;
};

}  // namespace

std::unique_ptr<event::EventSource> MakeSysdigReader(const ImportOptions& options) {
  return std::make_unique<SysdigReader>(options);
}

bool LooksLikeSysdig(std::string_view first_bytes) {
  return ParseSysdigLine(first_bytes.substr(0, first_bytes.find('\n'))).has_value();
}

}  // namespace spoor::importers
