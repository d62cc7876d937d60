// SPDX-License-Identifier: Apache-2.0
#include "importers/audit/audit_translator.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "event/unknown_user.hpp"

namespace spoor::importers {
namespace {

constexpr std::size_t kSerialsWaitingMax = 256;

std::uint64_t BootNsOf(std::int64_t wall_ns) {
  return static_cast<std::uint64_t>(std::max(wall_ns, std::int64_t{0}));
}

std::string CommandLine(const std::vector<std::string>& argv) {
  std::string text;
  for (const std::string& argument : argv) {
    if (!text.empty()) text += ' ';
    text += argument;
  }
  return text;
}

}  // namespace

void AuditTranslator::Take(const AuditEvent& event, event::Findings& findings) {
  Watch(event, findings);
  if (!event.syscall.empty()) TakeCall(event, findings);
  if (!event.terminal_input.empty() && event.pid) {
    event::Event input = Begin(event, findings);
    input.kind = event::EventKind::kRead;
    input.object = {.type = event::ObjectType::kPty, .device = event.terminal_device, .path = {}};
    input.size_bytes = event.terminal_input.size();
    input.result = static_cast<std::int64_t>(input.size_bytes);
    input.payload = event.terminal_input;
    findings.events.push_back(std::move(input));
  }
  TellMessages(event, findings);
}

event::Event AuditTranslator::Begin(const AuditEvent& audit, event::Findings& findings) {
  event::Event event;
  event.host = HostOf(audit);
  event.wall_ns = audit.wall_ns;
  event.end_boot_ns = BootNsOf(audit.wall_ns);
  const HostProcesses::Found found = processes_.Find(event.host, *audit.pid, audit.wall_ns);
  event.process = found.process;
  if (found.first) TellProcess(audit, found.process, findings);
  event.tid = *audit.pid;
  event.uid = audit.uid.value_or(event::kUnknownUser);
  event.euid = audit.euid.value_or(event.uid);
  return event;
}

void AuditTranslator::TellProcess(const AuditEvent& audit, const event::ProcessKey& process,
                                  event::Findings& findings) {
  event::Event event;
  event.kind = event::EventKind::kProcess;
  event.baseline = true;
  event.host = HostOf(audit);
  event.wall_ns = audit.wall_ns;
  event.end_boot_ns = BootNsOf(audit.wall_ns);
  event.process = process;
  event.tid = process.pid;
  event.uid = audit.uid.value_or(event::kUnknownUser);
  event.euid = audit.euid.value_or(event.uid);
  if (audit.ppid && *audit.ppid != 0) {
    event.parent_process = processes_.Mention(event.host, *audit.ppid, audit.wall_ns);
  }
  // What it runs before its first exec is its parent's program, which an exec's record does not
  // name.
  const bool exec = audit.syscall == "execve" || audit.syscall == "execveat";
  if (!exec || !audit.success) {
    event.command = audit.command;
    event.path = audit.executable;
    if (event.path.starts_with('/')) {
      event.object = {.type = event::ObjectType::kPath, .path = event.path};
    }
  }
  findings.events.push_back(std::move(event));
}

void AuditTranslator::TakeCall(const AuditEvent& audit, event::Findings& findings) {
  if (audit.pid) {
    event::Event event = Begin(audit, findings);
    event.syscall = audit.syscall;
    event.result = audit.exit.value_or(audit.success ? 0 : -1);
    if (!audit.success && event.result >= 0) event.result = -1;
    if (FillCall(audit, event)) {
      if (event.kind != event::EventKind::kCredentialChange &&
          event.kind != event::EventKind::kSignal && event.kind != event::EventKind::kChdir &&
          event.kind != event::EventKind::kMount) {
        event.syscall.clear();
      }
      if (event.kind == event::EventKind::kExit) processes_.End(event.host, event.process.pid);
      findings.events.push_back(std::move(event));
      return;
    }
  }
  event::LogLine& line = findings.log_lines.emplace_back();
  line.source = "audit SYSCALL";
  line.host = audit.node;
  line.program = audit.command;
  line.wall_ns = audit.wall_ns;
  line.message = fmt::format(
      "serial={} syscall={} success={} exit={} pid={} uid={} comm={} exe={} key={}", audit.serial,
      audit.syscall, audit.success ? "yes" : "no", audit.exit.value_or(0), audit.pid.value_or(0),
      audit.uid.value_or(event::kUnknownUser), audit.command, audit.executable, audit.key);
  for (const AuditPath& path : audit.paths) line.message += fmt::format(" path={}", path.name);
  if (!audit.argv.empty()) line.message += fmt::format(" argv={}", CommandLine(audit.argv));
}

void AuditTranslator::TellMessages(const AuditEvent& audit, event::Findings& findings) const {
  for (const auto& [type, text] : audit.messages) {
    event::LogLine& line = findings.log_lines.emplace_back();
    line.source = fmt::format("audit {}", type);
    line.host = audit.node;
    line.program = audit.command;
    if (line.program.empty()) {
      const std::size_t slash = audit.executable.rfind('/');
      line.program = audit.executable.substr(slash == std::string::npos ? 0 : slash + 1);
    }
    line.wall_ns = audit.wall_ns;
    line.message = fmt::format("serial={} {}", audit.serial, text);
  }
}

void AuditTranslator::Watch(const AuditEvent& audit, event::Findings& findings) {
  if (audit.serial == 0) return;
  Serials& serials = serials_[HostOf(audit)];
  // Serials begin again with each boot.
  constexpr std::uint64_t kRestart = 10'000;
  if (serials.last > audit.serial + kRestart ||
      (serials.last > audit.serial && audit.serial < kSerialsWaitingMax &&
       audit.wall_ns > serials.last_wall_ns)) {
    Pass(HostOf(audit), serials, 0, findings);
    serials = {};
  }
  serials.waiting.emplace(audit.serial, audit.wall_ns);
  Pass(HostOf(audit), serials, kSerialsWaitingMax, findings);
}

void AuditTranslator::Pass(const std::string& host, Serials& serials, std::size_t keep_count,
                           event::Findings& findings) const {
  while (!serials.waiting.empty()) {
    const auto [serial, wall_ns] = *serials.waiting.begin();
    const bool next = serials.last == 0 || serial <= serials.last + 1;
    if (!next && serials.waiting.size() <= keep_count) return;
    if (!next) {
      event::Event& event = findings.events.emplace_back();
      event.kind = event::EventKind::kLoss;
      event.host = host;
      event.wall_ns = wall_ns;
      event.end_boot_ns = BootNsOf(wall_ns);
      event.loss =
          event::LossCount{.loss_class = "sequence",
                           .count = serial - serials.last - 1,
                           .from_boot_ns = BootNsOf(std::min(serials.last_wall_ns, wall_ns)),
                           .reason = fmt::format("audit serials {} to {} are not in the log",
                                                 serials.last + 1, serial - 1)};
    }
    if (serial > serials.last || serials.last == 0) {
      serials.last = serial;
      serials.last_wall_ns = wall_ns;
    }
    serials.waiting.erase(serials.waiting.begin());
  }
}

void AuditTranslator::Finish(event::Findings& findings) {
  for (auto& [host, serials] : serials_) Pass(host, serials, 0, findings);
}

}  // namespace spoor::importers
