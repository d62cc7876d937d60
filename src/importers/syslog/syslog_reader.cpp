// SPDX-License-Identifier: Apache-2.0
#include "importers/syslog/syslog_reader.hpp"

#include "importers/snort/snort_alert.hpp"
#include "importers/syslog/syslog_line.hpp"
#include "importers/syslog/system_log.hpp"
#include "importers/text/fields.hpp"
#include "importers/text/json_line.hpp"
#include "importers/text/line_source.hpp"

namespace spoor::importers {
namespace {

/// "-- Boot 0123… --": what journalctl puts between lines.
bool IsRemark(std::string_view line) {
  return line.starts_with("-- ") && line.ends_with(" --");
}

std::string_view FirstLine(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view line = Trim(TakeUntil(bytes, "\n"));
    if (!line.empty() && !IsRemark(line)) return line;
  }
  return {};
}

class SyslogReader : public LineSource {
 public:
  explicit SyslogReader(const ImportOptions& options) : options_(options), years_(options.time) {}

 protected:
  Line TakeLine(std::string_view text, event::Findings& findings) override {
    if (IsRemark(text)) return Line::kRead;
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
    log_.Take(line, "syslog", findings);
    return Line::kRead;
  }

 private:
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
  SystemLog log_;
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

/// The same of a line of JSON, as sites have their servers write it.
std::optional<std::int64_t> AccessTime(JsonObject object, const TimeReading& reading) {
  for (const std::string_view key :
       {"time_iso8601", "@timestamp", "timestamp", "time", "time_local", "ts", "msec"}) {
    JsonElement element;
    if (object.at_key(key).get(element) != simdjson::SUCCESS) continue;
    std::string text = PlainText(element);
    if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
    if (const auto wall_ns = ParseIsoTime(text, reading)) return wall_ns;
    if (const auto wall_ns = ParseAccessLogTime(text, reading)) return wall_ns;
    // Milliseconds ("1704164645000") would be far in the future.
    constexpr std::size_t kSecondsSize = 10;
    if (std::min(text.find('.'), text.size()) <= kSecondsSize) return ParseEpochTime(text);
  }
  return std::nullopt;
}

class AccessLogReader : public LineSource {
 public:
  explicit AccessLogReader(const ImportOptions& options) : options_(options) {}

 protected:
  Line TakeLine(std::string_view line, event::Findings& findings) override {
    std::optional<std::int64_t> wall_ns;
    if (!line.starts_with('{')) {
      wall_ns = AccessTime(line, options_.time);
    } else if (const auto object = parser_.Parse(line)) {
      wall_ns = AccessTime(*object, options_.time);
    }
    if (!wall_ns) return Line::kMalformed;
    event::LogLine& entry = findings.log_lines.emplace_back();
    entry.source = "access-log";
    entry.wall_ns = wall_ns;
    entry.message = line;
    return Line::kRead;
  }

 private:
  const ImportOptions options_;
  JsonLineParser parser_;
};

/// JSON that tells of a request and who made it.
bool LooksLikeJsonRequest(std::string_view line) {
  const auto has = [&](std::string_view key) { return line.find(key) != std::string_view::npos; };
  const bool client = has("\"remote_addr\"") || has("\"remote_ip\"") || has("\"remoteIP\"") ||
                      has("\"clientip\"") || has("\"client_ip\"") || has("\"ClientAddr\"");
  const bool request =
      has("\"request\"") || has("\"request_uri\"") || has("\"uri\"") || has("\"RequestPath\"");
  if (!line.starts_with('{') || !client || !request) return false;
  JsonLineParser parser;
  const auto object = parser.Parse(line);
  return object && AccessTime(*object, {}).has_value();
}

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
  if (LooksLikeJsonRequest(line)) return true;
  const bool error = line.find("] [") < 64 || line.find(" [") == 19;
  return AccessTime(line, {}).has_value() && (error || line.find('"') != std::string_view::npos);
}

}  // namespace spoor::importers
