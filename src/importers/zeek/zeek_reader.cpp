// SPDX-License-Identifier: Apache-2.0
#include "importers/zeek/zeek_reader.hpp"

#include <fmt/format.h>

#include "base/repeat_counter.hpp"
#include "base/saturating.hpp"
#include "importers/text/fields.hpp"
#include "importers/text/line_source.hpp"
#include "importers/zeek/zeek_record.hpp"

namespace spoor::importers {
namespace {

constexpr std::string_view kObserver = "zeek";

class ZeekReader : public LineSource {
 public:
  explicit ZeekReader(const ImportOptions& options) : options_(options) {}

 protected:
  Line TakeLine(std::string_view line, event::Findings& findings) override {
    if (line.starts_with('{')) {
      const std::optional<JsonObject> object = parser_.Parse(line);
      if (!object) return Line::kMalformed;
      // Some writers put the record into the only member of an object, which has the log's name.
      JsonObject inner;
      const bool wrapped =
          object->size() == 1 && (*object->begin()).value.get(inner) == simdjson::SUCCESS;
      FillFromJson(wrapped ? inner : *object, record_);
      if (wrapped && record_.path.empty()) record_.path = (*object->begin()).key;
      return TakeRecord(findings);
    }
    switch (tsv_.Take(line, record_)) {
      case ZeekTsv::Line::kHeader:
        return Line::kRead;
      case ZeekTsv::Line::kMalformed:
        return Line::kMalformed;
      case ZeekTsv::Line::kRecord:
        break;
    }
    return TakeRecord(findings);
  }

 private:
  Line TakeRecord(event::Findings& findings) {
    const std::string& ts = record_[ZeekField::kTs];
    std::optional<std::int64_t> wall_ns = ParseEpochTime(ts);
    if (!wall_ns) wall_ns = ParseIsoTime(ts, options_.time);
    if (!ts.empty() && !wall_ns) return Line::kMalformed;
    // Sites rename logs, so what a record is follows from its fields.
    const bool has_ends = !record_[ZeekField::kOrigHost].empty();
    if (has_ends && !record_[ZeekField::kConnState].empty())
      return TakeConnection(wall_ns, findings);
    if (!record_[ZeekField::kNote].empty()) return TakeNotice(wall_ns, findings);
    if (!record_[ZeekField::kGaps].empty() && !record_[ZeekField::kPeer].empty()) {
      TakeLoss(wall_ns, findings);
    }
    event::LogLine& entry = findings.log_lines.emplace_back();
    entry.source = record_.path.empty() ? std::string(kObserver)
                                        : fmt::format("{} {}", kObserver, record_.path);
    entry.program = kObserver;
    entry.wall_ns = wall_ns;
    entry.message = record_.Text();
    return Line::kRead;
  }

  event::FlowSighting ConversationOf() const {
    event::FlowSighting flow;
    flow.observer = kObserver;
    flow.key = record_[ZeekField::kUid];
    flow.ends.source_ip = ParseAddress(record_[ZeekField::kOrigHost]);
    flow.ends.destination_ip = ParseAddress(record_[ZeekField::kRespHost]);
    flow.ends.transport = TransportOf(record_[ZeekField::kProto]);
    const bool v6 = flow.ends.source_ip.find(':') != std::string::npos;
    if (flow.ends.transport == "icmp" && v6) flow.ends.transport = "icmp6";
    if (HasPorts(flow.ends.transport)) {
      flow.ends.source_port = ParsePort(record_[ZeekField::kOrigPort]);
      flow.ends.destination_port = ParsePort(record_[ZeekField::kRespPort]);
    }
    flow.community_id = record_[ZeekField::kCommunityId];
    return flow;
  }

  Line TakeConnection(std::optional<std::int64_t> wall_ns, event::Findings& findings) const {
    event::FlowSighting flow = ConversationOf();
    if (!wall_ns || !flow.ends.known()) return Line::kMalformed;
    flow.application = record_[ZeekField::kService];
    flow.begin_wall_ns = *wall_ns;
    const std::int64_t duration_ns = ParseSeconds(record_[ZeekField::kDuration]).value_or(0);
    flow.end_wall_ns = SaturatingAdd(*wall_ns, std::max(duration_ns, std::int64_t{0}));
    flow.source_packets = ParseNumber(record_[ZeekField::kOrigPackets]);
    flow.destination_packets = ParseNumber(record_[ZeekField::kRespPackets]);
    flow.source_bytes = ParseNumber(record_[ZeekField::kOrigBytes]);
    flow.destination_bytes = ParseNumber(record_[ZeekField::kRespBytes]);
    flow.state = record_[ZeekField::kConnState];
    findings.flows.push_back(std::move(flow));
    return Line::kRead;
  }

  Line TakeNotice(std::optional<std::int64_t> wall_ns, event::Findings& findings) {
    if (!wall_ns) return Line::kMalformed;
    event::AlertSighting& alert = findings.alerts.emplace_back();
    alert.source = kObserver;
    alert.signature = record_[ZeekField::kNote];
    const std::string& message = record_[ZeekField::kMessage];
    if (!message.empty()) alert.signature += ": " + message;
    alert.classification = record_[ZeekField::kNote];
    alert.wall_ns = *wall_ns;
    alert.flow = ConversationOf();
    alert.flow.begin_wall_ns = alert.flow.end_wall_ns = *wall_ns;
    if (!alert.flow.ends.known()) alert.flow = {};
    alert.repeat = repeats_.Count(fmt::format("{} {} {} {}", *wall_ns, alert.flow.key,
                                              alert.signature, alert.flow.ends.source_ip));
    event::LogLine& entry = findings.log_lines.emplace_back();
    entry.source = "zeek notice";
    entry.program = kObserver;
    entry.wall_ns = wall_ns;
    entry.message = record_.Text();
    return Line::kRead;
  }

  /// capture_loss.log: gaps in what was acknowledged, of the time before.
  void TakeLoss(std::optional<std::int64_t> wall_ns, event::Findings& findings) const {
    const auto gap_count = ParseNumber(record_[ZeekField::kGaps]);
    if (!wall_ns || *wall_ns <= 0 || !gap_count || *gap_count == 0) return;
    event::Event& event = findings.events.emplace_back();
    event.kind = event::EventKind::kLoss;
    event.host = options_.host;
    event.wall_ns = *wall_ns;
    event.end_boot_ns = static_cast<std::uint64_t>(*wall_ns);
    event.loss = event::LossCount{.loss_class = "network",
                                  .count = *gap_count,
                                  .from_boot_ns = event.end_boot_ns,
                                  .reason = "packets that Zeek saw acknowledged but did not see"};
  }

  const ImportOptions options_;
  JsonLineParser parser_;
  ZeekTsv tsv_;
  ZeekRecord record_;
  RepeatCounter repeats_;
};

}  // namespace

std::unique_ptr<event::EventSource> MakeZeekReader(const ImportOptions& options) {
  return std::make_unique<ZeekReader>(options);
}

bool LooksLikeZeek(std::string_view first_bytes) {
  if (first_bytes.starts_with("#separator ") || first_bytes.starts_with("#fields\t")) return true;
  if (first_bytes.find("\n#separator ") != std::string_view::npos) return true;
  const std::string_view line = first_bytes.substr(0, first_bytes.find('\n'));
  if (!line.starts_with('{')) return false;
  const auto has = [&](std::string_view key) { return line.find(key) != std::string_view::npos; };
  return has("\"_path\"") || (has("\"@stream\"") && has("\"ts\"")) ||
         (has("\"ts\":") && (has("\"uid\":") || has("\"id.orig_h\"") || has("\"peer\"") ||
                             has("\"note\"") || has("\"fuid\"")));
}

}  // namespace spoor::importers
