// SPDX-License-Identifier: Apache-2.0
#include "importers/snort/snort_readers.hpp"

#include <fmt/format.h>

#include <vector>

#include "base/repeat_counter.hpp"
#include "base/saturating.hpp"
#include "importers/snort/snort_alert.hpp"
#include "importers/text/fields.hpp"
#include "importers/text/json_line.hpp"
#include "importers/text/line_source.hpp"

namespace spoor::importers {
namespace {

constexpr std::string_view kSnort = "snort";
constexpr std::size_t kSnortTimeSize = std::string_view("11/27-13:01:46.385525").size();

std::string_view FirstLine(std::string_view bytes) {
  const std::size_t begin = bytes.find_first_not_of("\r\n");
  if (begin == std::string_view::npos) return {};
  bytes.remove_prefix(begin);
  return bytes.substr(0, bytes.find('\n'));
}

/// "11/27-13:01:46.385525", also with a year; empty: none there.
std::string_view TimeAtBegin(std::string_view text) {
  const std::string_view word = text.substr(0, text.find_first_of(" ,"));
  const bool snort = word.size() >= kSnortTimeSize - 7 && word[2] == '/' &&
                     word.find('-') != std::string_view::npos &&
                     word.find(':') != std::string_view::npos;
  return snort ? word : std::string_view();
}

bool HasYear(std::string_view time) {
  return time.size() > 5 && time[5] == '/';
}

class AlertSource : public LineSource {
 protected:
  explicit AlertSource(const ImportOptions& options) : options_(options), years_(options.time) {}

  /// Gives `alert` its time and hands it over.
  Line Tell(event::AlertSighting alert, std::string_view time, event::Findings& findings) {
    if (!HasYear(time) && !years_.has_year()) return Line::kNoYear;
    const auto wall_ns = years_.ParseSnortTime(time);
    if (!wall_ns) return Line::kMalformed;
    // Suricata writes all four digits, Snort two or none.
    const std::size_t suricata_dash = std::string_view("11/27/2022").size();
    alert.source = time.find('-') == suricata_dash ? "suricata" : std::string(kSnort);
    return TellAt(std::move(alert), *wall_ns, findings);
  }

  Line TellAt(event::AlertSighting alert, std::int64_t wall_ns, event::Findings& findings) {
    alert.wall_ns = wall_ns;
    alert.flow.observer = alert.source;
    alert.flow.begin_wall_ns = alert.flow.end_wall_ns = wall_ns;
    alert.repeat = repeats_.Count(fmt::format(
        "{} {} {} {} {}", wall_ns, alert.signature_id.value_or(0), alert.flow.ends.source_ip,
        alert.flow.ends.source_port.value_or(0), alert.flow.ends.destination_ip));
    findings.alerts.push_back(std::move(alert));
    return Line::kRead;
  }

  const ImportOptions options_;
  YearKeeper years_;

 private:
  RepeatCounter repeats_;
};

class SnortFastReader : public AlertSource {
 public:
  explicit SnortFastReader(const ImportOptions& options) : AlertSource(options) {}

 protected:
  Line TakeLine(std::string_view line, event::Findings& findings) override {
    const std::string_view time = TimeAtBegin(line);
    auto alert = ParseSnortAlert(line.substr(time.size()));
    if (time.empty() || !alert) return Line::kMalformed;
    return Tell(*std::move(alert), time, findings);
  }
};

class SnortFullReader : public AlertSource {
 public:
  explicit SnortFullReader(const ImportOptions& options) : AlertSource(options) {}

 protected:
  Line TakeLine(std::string_view line, event::Findings& findings) override {
    if (line.starts_with("[**]")) {
      const bool cut = open_ && !told_;
      open_ = ParseSnortAlert(line);
      told_ = !open_;
      ends_text_.clear();
      time_.clear();
      return cut || !open_ ? Line::kMalformed : Line::kRead;
    }
    if (!open_ || told_) return open_ ? Line::kRead : Line::kMalformed;
    if (line.starts_with("[Classification:") || line.starts_with("[Priority:")) {
      if (const auto name = Between(line, "[Classification:", "]")) {
        open_->classification = Trim(*name);
      }
      if (const auto number = Between(line, "[Priority:", "]")) {
        open_->priority = ParseNumber(Trim(*number));
      }
      return Line::kRead;
    }
    if (time_.empty()) {
      time_ = TimeAtBegin(line);
      if (time_.empty()) return Line::kMalformed;
      line = Trim(line.substr(time_.size()));
      // A link layer before the addresses: "0:1:2:3:4:5 -> 6:7:8:9:a:b type:0x800 len:0x5E".
      if (line.find("type:") != std::string_view::npos) return Line::kRead;
    }
    if (ends_text_.empty()) {
      const std::size_t ttl = line.find(" TTL:");
      ends_text_ = line.substr(0, ttl);
      if (ttl == std::string_view::npos) return Line::kRead;
      const std::size_t space = ends_text_.rfind(' ');
      if (space == std::string::npos) return Line::kMalformed;
      line = std::string_view(line).substr(space + 1);
      ends_text_.resize(space);
    }
    // "TCP TTL:128 TOS:0x0 ID:5 IpLen:20 DgmLen:40": the alert is whole.
    if (line.find("TTL:") == std::string_view::npos) return Line::kRead;
    open_->flow.ends.transport = TransportOf(line.substr(0, line.find(' ')));
    return Close(findings);
  }

  void End(event::Findings& findings) override {
    if (open_ && !told_ && Close(findings) != Line::kRead) CountMalformed();
  }

 private:
  Line Close(event::Findings& findings) {
    told_ = true;
    if (time_.empty()) return Line::kMalformed;
    static_cast<void>(ParseSnortEnds(ends_text_, open_->flow));
    return Tell(*open_, time_, findings);
  }

  std::optional<event::AlertSighting> open_;
  bool told_ = true;
  std::string time_, ends_text_;
};

class SnortJsonReader : public AlertSource {
 public:
  explicit SnortJsonReader(const ImportOptions& options) : AlertSource(options) {}

 protected:
  Line TakeLine(std::string_view line, event::Findings& findings) override {
    const std::optional<JsonObject> found = parser_.Parse(line);
    if (!found) return Line::kMalformed;
    const JsonObject object = *found;
    event::AlertSighting alert;
    alert.source = kSnort;
    alert.generator_id = NumberAt(object, "gid");
    alert.signature_id = NumberAt(object, "sid");
    if (!alert.signature_id && !ParseSnortRule(TextAt(object, "rule"), alert)) {
      return Line::kMalformed;
    }
    alert.signature = TextAt(object, "msg");
    alert.classification = TextAt(object, "class");
    if (alert.classification == "none") alert.classification.clear();
    alert.priority = NumberAt(object, "priority");
    FillFlow(object, alert.flow);
    const std::string_view time = TextAt(object, "timestamp");
    if (const auto seconds = NumberAt(object, "seconds")) {
      // The moment to the second, whatever the zone and the year; the text has its fraction.
      const std::size_t point = time.rfind('.');
      const auto wall_ns = ParseEpochTime(point == std::string_view::npos
                                              ? fmt::format("{}", *seconds)
                                              : fmt::format("{}{}", *seconds, time.substr(point)));
      return wall_ns ? TellAt(std::move(alert), *wall_ns, findings) : Line::kMalformed;
    }
    return Tell(std::move(alert), time, findings);
  }

 private:
  static void FillFlow(JsonObject object, event::FlowSighting& flow) {
    flow.ends.transport = TransportOf(TextAt(object, "proto"));
    const auto source = ParseAddressAndPort(TextAt(object, "src_ap"));
    const auto destination = ParseAddressAndPort(TextAt(object, "dst_ap"));
    flow.ends.source_ip = ParseAddress(TextAt(object, "src_addr"));
    flow.ends.destination_ip = ParseAddress(TextAt(object, "dst_addr"));
    if (flow.ends.source_ip.empty() && source) flow.ends.source_ip = source->ip;
    if (flow.ends.destination_ip.empty() && destination) flow.ends.destination_ip = destination->ip;
    if (HasPorts(flow.ends.transport)) {
      flow.ends.source_port = PortAt(object, "src_port");
      flow.ends.destination_port = PortAt(object, "dst_port");
      if (!flow.ends.source_port && source) flow.ends.source_port = source->port;
      if (!flow.ends.destination_port && destination) {
        flow.ends.destination_port = destination->port;
      }
    }
    // The packet went from the server to the client.
    if (TextAt(object, "dir") == "S2C") {
      std::swap(flow.ends.source_ip, flow.ends.destination_ip);
      std::swap(flow.ends.source_port, flow.ends.destination_port);
    }
    const std::string_view service = TextAt(object, "service");
    if (service != "unknown") flow.application = service;
  }

  JsonLineParser parser_;
};

/// "a, \"b, c\",d" as its values. At most kCsvValuesMax of them.
std::vector<std::string> CsvValues(std::string_view line) {
  constexpr std::size_t kCsvValuesMax = 64;
  std::vector<std::string> values;
  while (values.size() < kCsvValuesMax) {
    line = Trim(line);
    if (line.starts_with('"')) {
      const std::size_t end = std::min(line.find('"', 1), line.size());
      values.emplace_back(line.substr(1, end - 1));
      line.remove_prefix(std::min(end + 1, line.size()));
      TakeUntil(line, ",");
    } else {
      values.emplace_back(Trim(TakeUntil(line, ",")));
    }
    if (line.empty()) break;
  }
  return values;
}

/// alert_csv as both versions write it by default: Snort 2 has generator, rule and revision in
/// columns of their own, Snort 3 as one, and both ends with their ports.
class SnortCsvReader : public AlertSource {
 public:
  explicit SnortCsvReader(const ImportOptions& options) : AlertSource(options) {}

  static std::optional<event::AlertSighting> Parse(std::string_view line, std::string& time) {
    const std::vector<std::string> values = CsvValues(line);
    time = TimeAtBegin(values.front());
    if (time.empty()) return std::nullopt;
    return values.size() > 9 && ParseNumber(values[2]) ? ParseOld(values) : ParseNew(values);
  }

 protected:
  Line TakeLine(std::string_view line, event::Findings& findings) override {
    std::string time;
    auto alert = Parse(line, time);
    return alert ? Tell(*std::move(alert), time, findings) : Line::kMalformed;
  }

 private:
  /// timestamp,sig_generator,sig_id,sig_rev,msg,proto,src,srcport,dst,dstport,…
  static std::optional<event::AlertSighting> ParseOld(const std::vector<std::string>& values) {
    event::AlertSighting alert;
    alert.generator_id = ParseNumber(values[1]);
    alert.signature_id = ParseNumber(values[2]);
    if (!alert.generator_id || !ParseNumber(values[3])) return std::nullopt;
    alert.signature = values[4];
    event::FlowEnds& ends = alert.flow.ends;
    ends.transport = TransportOf(values[5]);
    ends.source_ip = ParseAddress(values[6]);
    ends.destination_ip = ParseAddress(values[8]);
    if (HasPorts(ends.transport)) {
      ends.source_port = ParsePort(values[7]);
      ends.destination_port = ParsePort(values[9]);
    }
    return ends.known() ? std::optional(std::move(alert)) : std::nullopt;
  }

  /// timestamp, pkt_num, proto, pkt_gen, pkt_len, dir, src_ap, dst_ap, rule, action
  static std::optional<event::AlertSighting> ParseNew(const std::vector<std::string>& values) {
    event::AlertSighting alert;
    if (values.size() < 9 || !ParseSnortRule(values[8], alert)) return std::nullopt;
    alert.signature = values[8];
    event::FlowEnds& ends = alert.flow.ends;
    ends.transport = TransportOf(values[2]);
    const auto source = ParseAddressAndPort(values[6]);
    const auto destination = ParseAddressAndPort(values[7]);
    if (source && destination) {
      ends.source_ip = source->ip;
      ends.destination_ip = destination->ip;
      if (HasPorts(ends.transport)) {
        ends.source_port = source->port;
        ends.destination_port = destination->port;
      }
    }
    if (values[5] == "S2C") {
      std::swap(ends.source_ip, ends.destination_ip);
      std::swap(ends.source_port, ends.destination_port);
    }
    return alert;
  }
};

}  // namespace

std::unique_ptr<event::EventSource> MakeSnortCsvReader(const ImportOptions& options) {
  return std::make_unique<SnortCsvReader>(options);
}

bool LooksLikeSnortCsv(std::string_view first_bytes) {
  std::string time;
  return SnortCsvReader::Parse(FirstLine(first_bytes), time).has_value();
}

std::unique_ptr<event::EventSource> MakeSnortFastReader(const ImportOptions& options) {
  return std::make_unique<SnortFastReader>(options);
}

std::unique_ptr<event::EventSource> MakeSnortFullReader(const ImportOptions& options) {
  return std::make_unique<SnortFullReader>(options);
}

std::unique_ptr<event::EventSource> MakeSnortJsonReader(const ImportOptions& options) {
  return std::make_unique<SnortJsonReader>(options);
}

bool LooksLikeSnortFast(std::string_view first_bytes) {
  const std::string_view line = FirstLine(first_bytes);
  return !TimeAtBegin(line).empty() && line.find("[**]") != std::string_view::npos;
}

bool LooksLikeSnortFull(std::string_view first_bytes) {
  const std::string_view line = FirstLine(first_bytes);
  return line.starts_with("[**]") && ParseSnortAlert(line).has_value();
}

bool LooksLikeSnortJson(std::string_view first_bytes) {
  const std::string_view line = FirstLine(first_bytes);
  const auto has = [&](std::string_view key) { return line.find(key) != std::string_view::npos; };
  return line.starts_with('{') && has("\"timestamp\"") &&
         (has("\"rule\":\"") || has("\"rule\" : \"") || has("\"rule\": \"") || has("\"sid\"") ||
          has("\"src_ap\"")) &&
         !has("\"event_type\"");
}

}  // namespace spoor::importers
