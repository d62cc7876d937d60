// SPDX-License-Identifier: Apache-2.0
#include "importers/syslog/syslog_reader.hpp"

#include <fmt/format.h>

#include "importers/snort/snort_alert.hpp"
#include "importers/syslog/syslog_line.hpp"
#include "importers/text/fields.hpp"
#include "importers/text/line_source.hpp"
#include "importers/text/repeat_counter.hpp"

namespace spoor::importers {
namespace {

std::string_view FirstLine(std::string_view bytes) {
  const std::size_t begin = bytes.find_first_not_of("\r\n");
  if (begin == std::string_view::npos) return {};
  bytes.remove_prefix(begin);
  return bytes.substr(0, bytes.find('\n'));
}

/// What a line of the packet filter says of "KEY=value".
std::string_view FilterField(std::string_view text, std::string_view key) {
  for (std::size_t at = text.find(key); at != std::string_view::npos; at = text.find(key, at + 1)) {
    if (at > 0 && text[at - 1] != ' ') continue;
    const std::string_view value = text.substr(at + key.size());
    return value.substr(0, value.find(' '));
  }
  return {};
}

/// The packet that a line of the packet filter is about. None: it is no such line.
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

class SyslogReader : public LineSource {
 public:
  explicit SyslogReader(const ImportOptions& options) : options_(options), years_(options.time) {}

 protected:
  Line TakeLine(std::string_view text, event::Findings& findings) override {
    SyslogLine line;
    switch (ParseSyslog(text, options_.time, years_, line)) {
      case SyslogForm::kNoYear:
        return Line::kNoYear;
      case SyslogForm::kNone:
        if (!ParseProxmox(text, line)) return Line::kMalformed;
        break;
      case SyslogForm::kLine:
        break;
    }
    if (line.wall_ns && line.program.find("snort") != std::string_view::npos &&
        TakeAlert(line, findings)) {
      return Line::kRead;
    }
    if (line.wall_ns && line.message.find("SRC=") != std::string_view::npos) {
      if (auto flow = ParseFilterLine(line.message)) {
        flow->begin_wall_ns = flow->end_wall_ns = *line.wall_ns;
        findings.flows.push_back(*std::move(flow));
      }
    }
    event::LogLine& entry = findings.log_lines.emplace_back();
    entry.source = "syslog";
    entry.host = line.host;
    entry.program = line.program;
    entry.wall_ns = line.wall_ns;
    entry.message = line.message;
    return Line::kRead;
  }

 private:
  bool TakeAlert(const SyslogLine& line, event::Findings& findings) {
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

  /// "0 3 PVEFW-HOST-IN 20/Jun/2022:13:09:14 +0200 policy DROP: IN=…"
  bool ParseProxmox(std::string_view text, SyslogLine& line) const {
    constexpr std::size_t kTimeSize = std::string_view("20/Jun/2022:13:09:14 +0200").size();
    // A guest's number, a level, the chain.
    if (!ParseNumber(TakeUntil(text, " ")) || !ParseNumber(TakeUntil(text, " "))) return false;
    line = {};
    line.program = TakeUntil(text, " ");
    line.wall_ns = ParseAccessLogTime(text.substr(0, kTimeSize), options_.time);
    line.message = Trim(text.substr(std::min(kTimeSize, text.size())));
    return line.wall_ns.has_value();
  }

  const ImportOptions options_;
  YearKeeper years_;
  RepeatCounter repeats_;
};

/// The moment of a request or an error.
std::optional<std::int64_t> AccessTime(std::string_view line, const TimeReading& reading) {
  // nginx's error log: "2020/01/01 12:00:00 [error] …".
  constexpr std::size_t kSlashedSize = std::string_view("2020/01/01 12:00:00").size();
  if (line.size() > kSlashedSize && line[4] == '/') {
    return ParseSlashedTime(line.substr(0, kSlashedSize), reading);
  }
  const auto bracket = Between(line, "[", "]");
  if (!bracket) return std::nullopt;
  if (const auto wall_ns = ParseAccessLogTime(*bracket, reading)) return wall_ns;
  // Apache's error log: "[Sat Jun 01 11:32:48.123456 2013] …".
  const std::size_t space = bracket->rfind(' ');
  if (space == std::string_view::npos || space < 5) return std::nullopt;
  const auto year = ParseNumber(bracket->substr(space + 1));
  if (!year || *year > 9999) return std::nullopt;
  TimeReading dated = reading;
  dated.year = static_cast<int>(*year);
  std::string_view rest;
  return YearKeeper(dated).ParseSyslogTime(bracket->substr(4, space - 4), rest);
}

class AccessLogReader : public LineSource {
 public:
  explicit AccessLogReader(const ImportOptions& options) : options_(options) {}

 protected:
  Line TakeLine(std::string_view line, event::Findings& findings) override {
    const auto wall_ns = AccessTime(line, options_.time);
    if (!wall_ns) return Line::kMalformed;
    event::LogLine& entry = findings.log_lines.emplace_back();
    entry.source = "access-log";
    entry.wall_ns = wall_ns;
    entry.message = line;
    return Line::kRead;
  }

 private:
  const ImportOptions options_;
};

bool LooksLikeSyslogLine(std::string_view text, SyslogLine& line) {
  YearKeeper years({.year = 2000, .utc_offset_ns = 0});
  return ParseSyslog(text, {}, years, line) == SyslogForm::kLine && !line.message.empty();
}

}  // namespace

std::unique_ptr<event::EventSource> MakeSyslogReader(const ImportOptions& options) {
  return std::make_unique<SyslogReader>(options);
}

std::unique_ptr<event::EventSource> MakeAccessLogReader(const ImportOptions& options) {
  return std::make_unique<AccessLogReader>(options);
}

bool LooksLikeSyslog(std::string_view first_bytes) {
  SyslogLine line;
  return LooksLikeSyslogLine(FirstLine(first_bytes), line);
}

bool LooksLikeIptables(std::string_view first_bytes) {
  const std::string_view text = FirstLine(first_bytes);
  SyslogLine line;
  const bool framed = LooksLikeSyslogLine(text, line) || text.find("PVEFW") < 16;
  return framed && ParseFilterLine(text).has_value();
}

bool LooksLikeSshdLog(std::string_view first_bytes) {
  SyslogLine line;
  return LooksLikeSyslogLine(FirstLine(first_bytes), line) && line.program.starts_with("sshd");
}

bool LooksLikeSnortSyslog(std::string_view first_bytes) {
  SyslogLine line;
  return LooksLikeSyslogLine(FirstLine(first_bytes), line) && line.program.starts_with("snort") &&
         ParseSnortAlert(line.message).has_value();
}

bool LooksLikeAccessLog(std::string_view first_bytes) {
  const std::string_view line = FirstLine(first_bytes);
  const bool error = line.find("] [") < 64 || line.find(" [") == 19;
  return AccessTime(line, {}).has_value() && (error || line.find('"') != std::string_view::npos);
}

}  // namespace spoor::importers
