// SPDX-License-Identifier: Apache-2.0
#include "importers/eve/eve_reader.hpp"

#include <fmt/format.h>

#include "base/base64.hpp"
#include "base/repeat_counter.hpp"
#include "importers/text/fields.hpp"
#include "importers/text/json_line.hpp"
#include "importers/text/line_source.hpp"

namespace spoor::importers {
namespace {

constexpr std::string_view kObserver = "suricata";
constexpr std::size_t kPacketBytesMax = 1 << 17;

class EveReader : public LineSource {
 public:
  explicit EveReader(const ImportOptions& options) : options_(options) {}

 protected:
  Line TakeLine(std::string_view line, event::Findings& findings) override {
    std::optional<JsonObject> object = parser_.Parse(line);
    if (!object) return Line::kMalformed;
    std::string_view time = TextAt(*object, "timestamp");
    // Filebeat puts what Suricata wrote into a member, and its time elsewhere.
    if (const std::optional<JsonObject> outer = ObjectAt(*object, "suricata")) {
      if (const std::optional<JsonObject> inner = ObjectAt(*outer, "eve")) {
        time = TextAt(*inner, "timestamp");
        if (time.empty()) time = TextAt(*object, "@timestamp");
        object = inner;
      }
    }
    const std::string_view type = TextAt(*object, "event_type");
    const auto wall_ns = ParseIsoTime(time, options_.time);
    if (type.empty() || !wall_ns) return Line::kMalformed;
    if (type == "alert") return TakeAlert(*object, *wall_ns, findings);
    if (type == "flow") return TakeFlow(*object, *wall_ns, findings);
    if (type == "stats") TakeLoss(*object, *wall_ns, findings);
    event::LogLine& entry = findings.log_lines.emplace_back();
    entry.source = fmt::format("suricata {}", type);
    entry.host = TextAt(*object, "host");
    entry.program = kObserver;
    entry.wall_ns = wall_ns;
    entry.message = line;
    return Line::kRead;
  }

 private:
  /// Ends and names of the conversation that `object` is about.
  static event::FlowSighting ConversationOf(JsonObject object) {
    event::FlowSighting flow;
    flow.observer = kObserver;
    if (const auto flow_id = NumberAt(object, "flow_id")) flow.key = fmt::format("{}", *flow_id);
    flow.ends.source_ip = ParseAddress(TextAt(object, "src_ip"));
    flow.ends.destination_ip = ParseAddress(TextAt(object, "dest_ip"));
    flow.ends.transport = TransportOf(TextAt(object, "proto"));
    if (HasPorts(flow.ends.transport)) {
      flow.ends.source_port = PortAt(object, "src_port");
      flow.ends.destination_port = PortAt(object, "dest_port");
    }
    flow.application = TextAt(object, "app_proto");
    if (flow.application == "failed") flow.application.clear();
    flow.community_id = TextAt(object, "community_id");
    if (!flow.community_id.starts_with("1:")) flow.community_id.clear();
    return flow;
  }

  Line TakeFlow(JsonObject object, std::int64_t wall_ns, event::Findings& findings) const {
    const std::optional<JsonObject> inner = ObjectAt(object, "flow");
    event::FlowSighting flow = ConversationOf(object);
    if (!inner || !flow.ends.known()) return Line::kMalformed;
    const auto begin_wall_ns = ParseIsoTime(TextAt(*inner, "start"), options_.time);
    const auto end_wall_ns = ParseIsoTime(TextAt(*inner, "end"), options_.time);
    flow.begin_wall_ns = begin_wall_ns.value_or(wall_ns);
    flow.end_wall_ns = std::max(end_wall_ns.value_or(wall_ns), flow.begin_wall_ns);
    flow.source_packets = NumberAt(*inner, "pkts_toserver");
    flow.destination_packets = NumberAt(*inner, "pkts_toclient");
    // Suricata counts whole packets as they were captured.
    flow.source_frame_bytes = NumberAt(*inner, "bytes_toserver");
    flow.destination_frame_bytes = NumberAt(*inner, "bytes_toclient");
    flow.state = TextAt(*inner, "state");
    findings.flows.push_back(std::move(flow));
    return Line::kRead;
  }

  Line TakeAlert(JsonObject object, std::int64_t wall_ns, event::Findings& findings) {
    const std::optional<JsonObject> inner = ObjectAt(object, "alert");
    if (!inner) return Line::kMalformed;
    event::AlertSighting alert;
    alert.source = kObserver;
    alert.generator_id = NumberAt(*inner, "gid");
    alert.signature_id = NumberAt(*inner, "signature_id");
    alert.signature = TextAt(*inner, "signature");
    alert.classification = TextAt(*inner, "category");
    alert.priority = NumberAt(*inner, "severity");
    alert.wall_ns = wall_ns;
    alert.flow = ConversationOf(object);
    Orient(object, alert.flow.ends);
    alert.flow.begin_wall_ns = alert.flow.end_wall_ns = wall_ns;
    if (const std::optional<JsonObject> flow = ObjectAt(object, "flow")) {
      const auto begin_wall_ns = ParseIsoTime(TextAt(*flow, "start"), options_.time);
      if (begin_wall_ns && *begin_wall_ns <= wall_ns) alert.flow.begin_wall_ns = *begin_wall_ns;
    }
    AddPacket(object, wall_ns, alert);
    alert.repeat = repeats_.Count(
        fmt::format("{} {} {} {} {}", wall_ns, alert.signature_id.value_or(0),
                    alert.generator_id.value_or(0), alert.flow.key, alert.flow.ends.source_ip));
    findings.alerts.push_back(std::move(alert));
    return Line::kRead;
  }

  /// An alert names the ends of its packet: what came from the server names the server first. Newer
  /// writers say how the flow goes.
  static void Orient(JsonObject object, event::FlowEnds& ends) {
    bool from_server = TextAt(object, "direction") == "to_client";
    if (const std::optional<JsonObject> flow = ObjectAt(object, "flow")) {
      const std::string client = ParseAddress(TextAt(*flow, "src_ip"));
      const auto port = PortAt(*flow, "src_port");
      if (!client.empty()) {
        from_server = client == ends.destination_ip && port == ends.destination_port &&
                      !(client == ends.source_ip && port == ends.source_port);
      }
    }
    if (!from_server) return;
    std::swap(ends.source_ip, ends.destination_ip);
    std::swap(ends.source_port, ends.destination_port);
  }

  static void AddPacket(JsonObject object, std::int64_t wall_ns, event::AlertSighting& alert) {
    const std::string_view text = TextAt(object, "packet");
    if (text.empty() || text.size() > kPacketBytesMax) return;
    if (auto data = FromBase64(text)) {
      alert.packets.push_back({.wall_ns = wall_ns, .data = *std::move(data)});
    }
  }

  /// Counters since Suricata began: what they grew by was lost since the line before.
  void TakeLoss(JsonObject object, std::int64_t wall_ns, event::Findings& findings) {
    const std::optional<JsonObject> stats = ObjectAt(object, "stats");
    if (!stats) return;
    const std::optional<JsonObject> capture = ObjectAt(*stats, "capture");
    const std::uint64_t dropped = capture ? NumberAt(*capture, "kernel_drops").value_or(0) : 0;
    if (dropped > dropped_ && wall_ns > 0) {
      event::Event& event = findings.events.emplace_back();
      event.kind = event::EventKind::kLoss;
      event.host = options_.host;
      event.wall_ns = wall_ns;
      event.end_boot_ns = static_cast<std::uint64_t>(wall_ns);
      event.loss = event::LossCount{
          .loss_class = "network",
          .count = dropped - dropped_,
          .from_boot_ns = last_stats_wall_ns_ > 0 ? static_cast<std::uint64_t>(last_stats_wall_ns_)
                                                  : static_cast<std::uint64_t>(wall_ns),
          .reason = "packets that Suricata did not get from the kernel in time"};
    }
    dropped_ = dropped;
    last_stats_wall_ns_ = wall_ns;
  }

  const ImportOptions options_;
  JsonLineParser parser_;
  RepeatCounter repeats_;
  std::uint64_t dropped_ = 0;
  std::int64_t last_stats_wall_ns_ = 0;
};

}  // namespace

std::unique_ptr<event::EventSource> MakeEveReader(const ImportOptions& options) {
  return std::make_unique<EveReader>(options);
}

bool LooksLikeEve(std::string_view first_bytes) {
  const std::string_view line = first_bytes.substr(0, first_bytes.find('\n'));
  return line.starts_with('{') && line.find("\"event_type\"") != std::string_view::npos &&
         (line.find("\"timestamp\"") != std::string_view::npos ||
          line.find("\"@timestamp\"") != std::string_view::npos);
}

}  // namespace spoor::importers
