// SPDX-License-Identifier: Apache-2.0
#include "importers/syslog/system_log.hpp"

#include <fmt/format.h>

#include "importers/snort/snort_alert.hpp"
#include "importers/text/fields.hpp"

namespace spoor::importers {
namespace {

/// What a line of the packet filter says of "KEY=value".
std::string_view FilterField(std::string_view text, std::string_view key) {
  for (std::size_t at = text.find(key); at != std::string_view::npos; at = text.find(key, at + 1)) {
    if (at > 0 && text[at - 1] != ' ') continue;
    const std::string_view value = text.substr(at + key.size());
    return value.substr(0, value.find(' '));
  }
  return {};
}

}  // namespace

std::optional<event::FlowSighting> ParseFilterLine(std::string_view message) {
  event::FlowSighting flow;
  flow.observer = "iptables";
  flow.ends.source_ip = ParseAddress(FilterField(message, "SRC="));
  flow.ends.destination_ip = ParseAddress(FilterField(message, "DST="));
  flow.ends.transport = TransportOf(FilterField(message, "PROTO="));
  if (!flow.ends.known() || flow.ends.transport.empty()) return std::nullopt;
  if (HasPorts(flow.ends.transport)) {
    flow.ends.source_port = ParsePort(FilterField(message, "SPT="));
    flow.ends.destination_port = ParsePort(FilterField(message, "DPT="));
  }
  flow.source_packets = 1;
  return flow;
}

void SystemLog::Take(const SyslogLine& line, std::string_view source, event::Findings& findings) {
  if (line.wall_ns && line.program.find("snort") != std::string_view::npos &&
      TakeAlert(line, findings)) {
    return;
  }
  if (line.wall_ns && line.message.find("SRC=") != std::string_view::npos) {
    if (auto flow = ParseFilterLine(line.message)) {
      flow->begin_wall_ns = flow->end_wall_ns = *line.wall_ns;
      findings.flows.push_back(*std::move(flow));
    }
  }
  event::LogLine& entry = findings.log_lines.emplace_back();
  entry.source = source;
  entry.host = line.host;
  entry.program = line.program;
  entry.wall_ns = line.wall_ns;
  entry.message = line.message;
}

bool SystemLog::TakeAlert(const SyslogLine& line, event::Findings& findings) {
  auto alert = ParseSnortAlert(line.message);
  if (!alert) return false;
  alert->source = "snort";
  alert->wall_ns = *line.wall_ns;
  alert->flow.observer = alert->source;
  alert->flow.begin_wall_ns = alert->flow.end_wall_ns = *line.wall_ns;
  alert->repeat =
      repeats_.Count(fmt::format("{} {} {} {}", *line.wall_ns, alert->signature_id.value_or(0),
                                 alert->flow.ends.source_ip, alert->flow.ends.destination_ip));
  findings.alerts.push_back(*std::move(alert));
  return true;
}

}  // namespace spoor::importers
