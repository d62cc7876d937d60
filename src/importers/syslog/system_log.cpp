// SPDX-License-Identifier: Apache-2.0
#include "importers/syslog/system_log.hpp"

#include <fmt/format.h>

#include <vector>

#include "base/file.hpp"
#include "importers/conntrack/conntrack_reader.hpp"
#include "importers/eve/eve_reader.hpp"
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

/// Of pf, as pfSense and OPNsense write it: rule, …, interface, reason, action, direction, version
/// of IP, then what that version has:
/// "5,,,100,em0,match,block,in,4,0x0,,64,1,0,DF,6,tcp,60,SRC,DST, SPORT,DPORT,…".
std::optional<event::FlowSighting> ParsePfLine(std::string_view message) {
  constexpr std::size_t kAction = 6, kVersion = 8, kTransport4 = 16, kSource4 = 18,
                        kTransport6 = 12, kSource6 = 15, kFieldsMax = 24;
  std::vector<std::string_view> fields;
  while (!message.empty() && fields.size() < kFieldsMax) fields.push_back(TakeUntil(message, ","));
  if (fields.size() <= kVersion) return std::nullopt;
  const bool v6 = fields[kVersion] == "6";
  const std::size_t source = v6 ? kSource6 : kSource4;
  if ((!v6 && fields[kVersion] != "4") || fields.size() < source + 2) return std::nullopt;
  event::FlowSighting flow;
  flow.observer = "pf";
  flow.state = fields[kAction];
  flow.ends.transport = TransportOf(LowerCase(fields[v6 ? kTransport6 : kTransport4]));
  flow.ends.source_ip = ParseAddress(fields[source]);
  flow.ends.destination_ip = ParseAddress(fields[source + 1]);
  if (!flow.ends.known() || flow.ends.transport.empty()) return std::nullopt;
  if (HasPorts(flow.ends.transport) && fields.size() >= source + 4) {
    flow.ends.source_port = ParsePort(fields[source + 2]);
    flow.ends.destination_port = ParsePort(fields[source + 3]);
  }
  flow.source_packets = 1;
  return flow;
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
  if (TakeEve(line, findings)) return;
  if (line.wall_ns && line.program == "filterlog") {
    if (auto flow = ParsePfLine(line.message)) {
      flow->begin_wall_ns = flow->end_wall_ns = *line.wall_ns;
      findings.flows.push_back(*std::move(flow));
    }
  }
  const bool has_ends = line.message.find("SRC=") != std::string_view::npos ||
                        line.message.find("src=") != std::string_view::npos;
  if (line.wall_ns && has_ends) {
    auto flow = ParseConntrack(line.message);
    if (!flow) flow = ParseFilterLine(line.message);
    if (flow) {
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

/// Suricata's EVE log, where it goes to syslog: {"timestamp":…,"event_type":…}.
bool SystemLog::TakeEve(const SyslogLine& line, event::Findings& findings) {
  const bool is_eve = line.message.starts_with('{') &&
                      line.program.find("suricata") != std::string_view::npos &&
                      LooksLikeEve(line.message);
  if (!is_eve) return false;
  if (eve_ == nullptr) eve_ = MakeEveReader({});
  const std::uint64_t before = eve_->counts().malformed_count;
  const Result<> read = eve_->Feed(AsBytes(fmt::format("{}\n", line.message)), findings);
  return read && eve_->counts().malformed_count == before;
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
