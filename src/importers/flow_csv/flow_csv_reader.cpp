// SPDX-License-Identifier: Apache-2.0
#include "importers/flow_csv/flow_csv_reader.hpp"

#include <array>
#include <map>
#include <string>
#include <vector>

#include "base/saturating.hpp"
#include "importers/flow_csv/client_source.hpp"
#include "importers/flow_csv/flow_layouts.hpp"
#include "importers/text/fields.hpp"
#include "importers/text/json_line.hpp"
#include "importers/text/line_source.hpp"

namespace spoor::importers {
namespace {

constexpr std::size_t kColumnsMax = 256;

/// Columns by the names of the first line.
class CsvLines : public LineSource {
 protected:
  explicit CsvLines(const ImportOptions& options) : options_(options), years_(options.time) {}

  Line TakeLine(std::string_view line, event::Findings& findings) final {
    if (const auto taken = TakeOther(line, findings)) return *taken;
    std::vector<std::string_view> values;
    for (bool more = true; more && values.size() < kColumnsMax;) {
      const std::size_t comma = line.find(',');
      values.push_back(Trim(line.substr(0, comma)));
      more = comma != std::string_view::npos;
      if (more) line.remove_prefix(comma + 1);
    }
    if (IsHeader(values)) {
      SetColumns(values);
      return Line::kRead;
    }
    if (columns_.empty() || values.size() < column_count_) return NotARecord(values);
    values_ = std::move(values);
    return TakeRecord(findings);
  }

  void SetColumns(const std::vector<std::string_view>& names) {
    columns_.clear();
    column_count_ = names.size();  // more than there are names where one stands twice
    for (std::size_t i = 0; i < names.size(); ++i) columns_.emplace(LowerCase(names[i]), i);
  }
  /// A line of another form than CSV; none: it is CSV.
  virtual std::optional<Line> TakeOther(std::string_view line, event::Findings& findings) = 0;
  /// Reads a record whose columns somebody told apart. `values` must live until it returns.
  Line TakeNamed(const NamedValues& values, event::Findings& findings) {
    columns_.clear();
    values_.clear();
    for (const auto& [name, value] : values) {
      columns_.emplace(name, values_.size());
      values_.push_back(value);
    }
    const Line line = TakeRecord(findings);
    columns_.clear();
    return line;
  }
  virtual bool IsHeader(const std::vector<std::string_view>& values) const = 0;
  virtual Line NotARecord(const std::vector<std::string_view>& values) {
    static_cast<void>(values);
    return Line::kMalformed;
  }
  virtual Line TakeRecord(event::Findings& findings) = 0;

  /// Empty: there is no such column, or nothing in it.
  std::string_view Value(std::string_view column) const {
    const auto found = columns_.find(std::string(column));
    return found == columns_.end() ? std::string_view() : values_[found->second];
  }

  const ImportOptions options_;
  YearKeeper years_;
  JsonLineParser parser_;

 private:
  std::map<std::string, std::size_t> columns_;
  std::size_t column_count_ = 0;
  std::vector<std::string_view> values_;
};

/// A record of management of version 3 to 5, which begins every stream of Argus.
bool IsBinaryArgus(std::string_view beginning) {
  return beginning.size() >= 4 && (static_cast<std::uint8_t>(beginning[0]) & 0xf0) == 0x80 &&
         (static_cast<std::uint8_t>(beginning[0]) & 0x0f) >= 3 &&
         (static_cast<std::uint8_t>(beginning[1]) & 0xf0) == 0x10 && beginning[2] == 0;
}

/// The magic number of nfdump, in the order of bytes of who wrote it, and a layout of 1 or 2.
bool IsBinaryNfdump(std::string_view beginning) {
  return beginning.starts_with(std::string_view("\x0c\xa5\x01\x00", 4)) ||
         beginning.starts_with(std::string_view("\x0c\xa5\x02\x00", 4));
}

class ArgusReader : public CsvLines {
 public:
  explicit ArgusReader(const ImportOptions& options) : CsvLines(options), days_(options.time) {}

 protected:
  std::optional<Line> TakeOther(std::string_view line, event::Findings& findings) override {
    if (line.find("\"type\"") != line.npos && line.find('{') < 64) return TakeJson(line, findings);
    const bool names = line.find("SrcAddr") != line.npos && line.find("Dir") != line.npos;
    if (names && line.find(',') == line.npos) {
      layout_ = line;
      return Line::kRead;
    }
    if (layout_.empty()) return std::nullopt;
    const NamedValues values = SplitRaLine(layout_, line);
    // Its accounts of itself, and what is below IP or shortened.
    return values.empty() ? Line::kNotDecoded : TakeNamed(values, findings);
  }

  bool IsHeader(const std::vector<std::string_view>& values) const override {
    return values.front() == "StartTime" || values.front() == "SrcAddr" || values.front() == "Rank";
  }

  Line TakeRecord(event::Findings& findings) override {
    // Argus' accounts of itself, and conversations below IP.
    if (Value("proto") == "man") return Line::kNotDecoded;
    event::FlowSighting flow;
    flow.observer = "argus";
    flow.ends.source_ip = ParseAddress(Value("srcaddr"));
    flow.ends.destination_ip = ParseAddress(Value("dstaddr"));
    if (!flow.ends.known()) return Line::kNotDecoded;
    const bool v6 = flow.ends.source_ip.find(':') != std::string::npos;
    flow.ends.transport = TransportOf(Value("proto"));
    if (flow.ends.transport == "icmp" && v6) flow.ends.transport = "icmp6";
    if (HasPorts(flow.ends.transport)) {
      flow.ends.source_port = ParsePort(Value("sport"));
      flow.ends.destination_port = ParsePort(Value("dport"));
    }
    const auto begin_wall_ns = TimeOf(Value("starttime"));
    if (!begin_wall_ns && no_date_) return Line::kNoDate;
    if (!begin_wall_ns) return no_year_ ? Line::kNoYear : Line::kMalformed;
    flow.begin_wall_ns = flow.end_wall_ns = *begin_wall_ns;
    if (const auto end_wall_ns = TimeOf(Value("lasttime"))) {
      flow.end_wall_ns = std::max(*end_wall_ns, *begin_wall_ns);
    } else if (const auto duration_ns = ParseSeconds(Value("dur"))) {
      flow.end_wall_ns = SaturatingAdd(*begin_wall_ns, std::max(*duration_ns, std::int64_t{0}));
    }
    flow.source_packets = ParseNumber(Value("srcpkts"));
    flow.destination_packets = ParseNumber(Value("dstpkts"));
    // What is counted of both ends together (totpkts, totbytes) has no column.
    flow.source_frame_bytes = ParseNumber(Value("srcbytes"));
    flow.destination_frame_bytes = ParseNumber(Value("dstbytes"));
    flow.source_bytes = ParseNumber(Value("sappbytes"));
    flow.destination_bytes = ParseNumber(Value("dappbytes"));
    // An Argus that did not count them writes zeros.
    if (flow.source_bytes == 0U && flow.destination_bytes == 0U) {
      flow.source_bytes = flow.destination_bytes = std::nullopt;
    }
    flow.state = Value("state");
    // The arrow points from who began, if Argus knows.
    if (Value("dir").starts_with("<") && Value("dir").find('>') == std::string_view::npos) {
      std::swap(flow.ends.source_ip, flow.ends.destination_ip);
      std::swap(flow.ends.source_port, flow.ends.destination_port);
      std::swap(flow.source_packets, flow.destination_packets);
      std::swap(flow.source_bytes, flow.destination_bytes);
      std::swap(flow.source_frame_bytes, flow.destination_frame_bytes);
    }
    findings.flows.push_back(std::move(flow));
    return Line::kRead;
  }

 private:
  /// `{"ArgusData":[{ "type":"flow", … },`: records of a list, one on each line.
  Line TakeJson(std::string_view line, event::Findings& findings) {
    constexpr std::string_view kRecord = "\"type\"";
    const std::size_t begin = line.rfind('{', line.find(kRecord)), end = line.rfind('}');
    if (begin == line.npos || end == line.npos || end < begin) return Line::kMalformed;
    line = line.substr(begin, end + 1 - begin);
    std::optional<JsonObject> object = parser_.Parse(line);
    // The last line closes the list and what it is in as well.
    while (!object && line.size() > 2 && line.find('}') < line.size() - 1) {
      line = line.substr(0, line.rfind('}', line.size() - 2) + 1);
      object = parser_.Parse(line);
    }
    if (!object) return Line::kMalformed;
    if (TextAt(*object, "type") != "flow") return Line::kNotDecoded;
    struct Name {
      std::string_view json, csv;
    };
    constexpr std::array kNames{
        Name{"stime", "starttime"}, Name{"ltime", "lasttime"},      Name{"dur", "dur"},
        Name{"proto", "proto"},     Name{"saddr", "srcaddr"},       Name{"sport", "sport"},
        Name{"dir", "dir"},         Name{"daddr", "dstaddr"},       Name{"dport", "dport"},
        Name{"spkts", "srcpkts"},   Name{"dpkts", "dstpkts"},       Name{"sbytes", "srcbytes"},
        Name{"dbytes", "dstbytes"}, Name{"sappbytes", "sappbytes"}, Name{"dappbytes", "dappbytes"},
        Name{"state", "state"}};
    NamedValues values;
    for (const Name& name : kNames) {
      JsonElement element;
      if (object->at_key(name.json).get(element) != simdjson::SUCCESS) continue;
      values.emplace_back(name.csv, Trim(PlainText(element)));
    }
    return TakeNamed(values, findings);
  }

  /// "1320435464.760244", "2009-11-18+09:00:03.914398", "01/09.17:09:04.266106",
  /// "2011/08/10 09:46:53.047277", "2024-01-02 03:04:05", "09:46:53.047277".
  std::optional<std::int64_t> TimeOf(std::string_view text) {
    if (const auto wall_ns = ParseEpochTime(text)) return wall_ns;
    if (text.size() >= 8 && text[2] == ':' && text[5] == ':') {
      no_date_ = !days_.has_day();
      return days_.ParseClock(text);
    }
    std::string spelled(text);
    if (spelled.size() > 10 && spelled[4] == '-') {
      spelled[10] = 'T';
      return ParseIsoTime(spelled, options_.time);
    }
    if (spelled.size() > 5 && spelled[2] == '/' && spelled[5] == '.') {
      no_year_ = !years_.has_year();
      spelled[5] = '-';
      return years_.ParseSnortTime(spelled);
    }
    return ParseSlashedTime(text, options_.time);
  }

  DayKeeper days_;
  std::string layout_;  // the names of columns that spaces part
  bool no_year_ = false, no_date_ = false;
};

class NfdumpReader : public CsvLines {
 public:
  explicit NfdumpReader(const ImportOptions& options) : CsvLines(options) {
    // Without its first line (-q) the columns are these.
    SetColumns({"ts", "te", "td", "sa", "da", "sp", "dp", "pr", "flg", "fwd", "stos", "ipkt",
                "ibyt", "opkt", "obyt"});
  }

 protected:
  bool IsHeader(const std::vector<std::string_view>& values) const override {
    return values.front() == "ts" || values.front() == "firstSeen";
  }
  std::optional<Line> TakeOther(std::string_view line, event::Findings& findings) override {
    if (!object_.empty() || line.starts_with('{')) return TakeJson(line, findings);
    constexpr std::array<std::string_view, 6> kRemarks{
        "[", "]", "Summary:", "Time window", "Total ", "Sys:"};
    if (line.starts_with("Date first seen")) {
      layout_ = line;
      return Line::kRead;
    }
    if (line.find(',') == line.npos || !layout_.empty()) {
      for (const std::string_view remark : kRemarks) {
        if (line.starts_with(remark)) return Line::kRead;
      }
    }
    const bool columns = line.find(" -> ") != line.npos || line.find(" <-> ") != line.npos;
    if (layout_.empty() && !columns) return std::nullopt;
    auto flow = ParseNfdumpLine(layout_, line, options_.time);
    if (!flow) return columns ? Line::kNotDecoded : Line::kMalformed;
    findings.flows.push_back(*std::move(flow));
    return Line::kRead;
  }
  /// Behind the records: "Summary" and two lines of numbers.
  Line NotARecord(const std::vector<std::string_view>& values) override {
    if (values.front() == "Summary") summary_ = true;
    const bool known = summary_ || values.front() == "No matching flows";
    return known ? Line::kRead : Line::kMalformed;
  }

  Line TakeRecord(event::Findings& findings) override {
    event::FlowSighting flow;
    flow.observer = "netflow";
    flow.ends.source_ip = ParseAddress(Named("sa", "srcaddr"));
    flow.ends.destination_ip = ParseAddress(Named("da", "dstaddr"));
    flow.ends.transport = TransportOf(Named("pr", "proto"));
    const auto begin_wall_ns = TimeOf(Named("ts", "firstseen"));
    auto end_wall_ns = TimeOf(Named("te", "lastseen"));
    if (summary_) return Line::kRead;
    if (!flow.ends.known() || !begin_wall_ns) return Line::kMalformed;
    if (!end_wall_ns) {
      if (const auto duration_ns = ParseSeconds(Named("td", "duration"))) {
        end_wall_ns = SaturatingAdd(*begin_wall_ns, std::max(*duration_ns, std::int64_t{0}));
      }
    }
    if (HasPorts(flow.ends.transport)) {
      flow.ends.source_port = ParsePort(Named("sp", "srcport"));
      flow.ends.destination_port = ParsePort(Named("dp", "dstport"));
    }
    flow.begin_wall_ns = *begin_wall_ns;
    flow.end_wall_ns = std::max(end_wall_ns.value_or(*begin_wall_ns), *begin_wall_ns);
    flow.source_packets = ParseNumber(Named("ipkt", "packets"));
    const auto back = ParseNumber(Value("opkt"));
    if (back && *back > 0) flow.destination_packets = back;
    flow.state = Value("flg");
    findings.flows.push_back(std::move(flow));
    return Line::kRead;
  }

 private:
  /// A record over several lines, or on one, in a list or not.
  Line TakeJson(std::string_view line, event::Findings& findings) {
    if (object_.size() + line.size() > kLogLineBytesMax) {
      object_.clear();
      return Line::kMalformed;
    }
    object_ += line;
    const std::string_view end = Trim(line);
    if (!end.ends_with('}') && !end.ends_with("},") && !end.ends_with("}]")) return Line::kRead;
    std::string whole = std::move(object_);
    object_.clear();
    whole.resize(whole.rfind('}') + 1);
    const auto object = parser_.Parse(whole);
    if (!object) return Line::kMalformed;
    if (TextAt(*object, "type") != "FLOW" && !TextAt(*object, "type").empty()) {
      return Line::kNotDecoded;
    }
    auto flow = NfdumpFlowOf(*object, options_.time);
    if (!flow) return Line::kMalformed;
    findings.flows.push_back(*std::move(flow));
    return Line::kRead;
  }

  /// A column by its name, or by the one that newer versions give it.
  std::string_view Named(std::string_view name, std::string_view newer) const {
    const std::string_view value = Value(name);
    return value.empty() ? Value(newer) : value;
  }

  std::optional<std::int64_t> TimeOf(std::string_view text) const {
    const auto wall_ns = ParseIsoTime(text, options_.time);
    return wall_ns ? wall_ns : ParseEpochTime(text);
  }

  bool summary_ = false;
  std::string layout_;  // the line above columns that spaces part
  std::string object_;  // the beginning of a record of JSON
};

}  // namespace

std::unique_ptr<event::EventSource> MakeArgusReader(const ImportOptions& options) {
  return MakeClientSource(
      {.name = "ra",
       .arguments = {"-X",    "-r",     "-",      "-n",        "-u",        "-c",
                     ",",     "-s",     "stime",  "ltime",     "dur",       "proto",
                     "saddr", "sport",  "dir",    "daddr",     "dport",     "spkts",
                     "dpkts", "sbytes", "dbytes", "sappbytes", "dappbytes", "state"},
       .package = "argus-client"},
      IsBinaryArgus, std::make_unique<ArgusReader>(options));
}

std::unique_ptr<event::EventSource> MakeNfdumpReader(const ImportOptions& options) {
  return MakeClientSource(
      {.name = "nfdump", .arguments = {"-r", "/dev/stdin", "-q", "-o", "csv"}, .package = "nfdump"},
      IsBinaryNfdump, std::make_unique<NfdumpReader>(options));
}

bool LooksLikeArgus(std::string_view first_bytes) {
  if (IsBinaryArgus(first_bytes)) return true;
  if (first_bytes.starts_with("{\"ArgusData\"")) return true;
  const std::string_view line = first_bytes.substr(0, first_bytes.find('\n'));
  const auto has = [&](std::string_view word) { return line.find(word) != line.npos; };
  return has("SrcAddr") && has("StartTime") && (has(",") || has("Dir"));
}

bool LooksLikeNfdump(std::string_view first_bytes) {
  if (IsBinaryNfdump(first_bytes)) return true;
  if (first_bytes.starts_with("ts,te,td,sa,da,")) return true;
  if (first_bytes.starts_with("firstSeen,")) return true;
  if (first_bytes.starts_with("Date first seen")) return true;
  const auto begins_with_record = [](std::string_view text) {
    return text.find("\"first\"") != text.npos &&
           (text.find("\"src4_addr\"") != text.npos || text.find("\"src6_addr\"") != text.npos);
  };
  if (first_bytes.starts_with('[') || first_bytes.starts_with('{')) {
    return begins_with_record(first_bytes);
  }
  std::string_view line = first_bytes.substr(0, first_bytes.find('\n'));
  const auto begin_wall_ns = ParseIsoTime(TakeUntil(line, ","), {});
  const auto end_wall_ns = ParseIsoTime(TakeUntil(line, ","), {});
  TakeUntil(line, ",");
  return begin_wall_ns && end_wall_ns && !ParseAddress(TakeUntil(line, ",")).empty() &&
         !ParseAddress(TakeUntil(line, ",")).empty();
}

}  // namespace spoor::importers
