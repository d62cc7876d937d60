// SPDX-License-Identifier: Apache-2.0
#include "importers/flow_csv/flow_csv_reader.hpp"

#include <map>
#include <string>
#include <vector>

#include "base/saturating.hpp"
#include "importers/flow_csv/client_source.hpp"
#include "importers/text/fields.hpp"
#include "importers/text/line_source.hpp"

namespace spoor::importers {
namespace {

constexpr std::size_t kColumnsMax = 256;

/// Columns by the names of the first line.
class CsvLines : public LineSource {
 protected:
  explicit CsvLines(const ImportOptions& options) : options_(options), years_(options.time) {}

  Line TakeLine(std::string_view line, event::Findings& findings) final {
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
  explicit ArgusReader(const ImportOptions& options) : CsvLines(options) {}

 protected:
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
    if (!begin_wall_ns) return no_year_ ? Line::kNoYear : Line::kMalformed;
    flow.begin_wall_ns = flow.end_wall_ns = *begin_wall_ns;
    if (const auto end_wall_ns = TimeOf(Value("lasttime"))) {
      flow.end_wall_ns = std::max(*end_wall_ns, *begin_wall_ns);
    } else if (const auto duration_ns = ParseSeconds(Value("dur"))) {
      flow.end_wall_ns = SaturatingAdd(*begin_wall_ns, std::max(*duration_ns, std::int64_t{0}));
    }
    flow.source_packets = ParseNumber(Value("srcpkts"));
    flow.destination_packets = ParseNumber(Value("dstpkts"));
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
  /// "1320435464.760244", "2009-11-18+09:00:03.914398", "01/09.17:09:04.266106",
  /// "2011/08/10 09:46:53.047277".
  std::optional<std::int64_t> TimeOf(std::string_view text) {
    if (const auto wall_ns = ParseEpochTime(text)) return wall_ns;
    std::string spelled(text);
    if (spelled.size() > 10 && (spelled[10] == '+' || spelled[10] == '.')) {
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

  bool no_year_ = false;
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
  const std::string_view line = first_bytes.substr(0, first_bytes.find('\n'));
  return line.find("SrcAddr") != std::string_view::npos &&
         line.find("StartTime") != std::string_view::npos && line.find(',') < line.size();
}

bool LooksLikeNfdump(std::string_view first_bytes) {
  if (IsBinaryNfdump(first_bytes)) return true;
  if (first_bytes.starts_with("ts,te,td,sa,da,")) return true;
  if (first_bytes.starts_with("firstSeen,")) return true;
  std::string_view line = first_bytes.substr(0, first_bytes.find('\n'));
  const auto begin_wall_ns = ParseIsoTime(TakeUntil(line, ","), {});
  const auto end_wall_ns = ParseIsoTime(TakeUntil(line, ","), {});
  TakeUntil(line, ",");
  return begin_wall_ns && end_wall_ns && !ParseAddress(TakeUntil(line, ",")).empty() &&
         !ParseAddress(TakeUntil(line, ",")).empty();
}

}  // namespace spoor::importers
