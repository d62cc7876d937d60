// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "base/repeat_counter.hpp"
#include "importers/agents/agent_readers.hpp"
#include "importers/syslog/system_log.hpp"
#include "importers/text/fields.hpp"
#include "importers/text/json_line.hpp"
#include "importers/text/line_source.hpp"

namespace spoor::importers {
namespace {

class WazuhReader : public LineSource {
 public:
  explicit WazuhReader(const ImportOptions& options) : options_(options) {}

 protected:
  Line TakeLine(std::string_view text, event::Findings& findings) override {
    const std::optional<JsonObject> object = parser_.Parse(text);
    if (!object) return Line::kMalformed;
    const auto wall_ns = ParseIsoTime(TextAt(*object, "timestamp"), options_.time);
    if (!wall_ns) return Line::kMalformed;
    const auto rule = ObjectAt(*object, "rule");
    const bool told = TakeLog(*object, *wall_ns, findings);
    if (rule && !TextAt(*rule, "description").empty()) {
      TakeRule(*object, *rule, *wall_ns, text, findings);
      return Line::kRead;
    }
    return told ? Line::kRead : Line::kNotDecoded;
  }

 private:
  static std::string_view HostOf(JsonObject object) {
    if (const auto predecoded = ObjectAt(object, "predecoder")) {
      const std::string_view host = TextAt(*predecoded, "hostname");
      if (!host.empty()) return host;
    }
    const auto agent = ObjectAt(object, "agent");
    return agent ? TextAt(*agent, "name") : std::string_view();
  }

  /// The line that the alert is about, as syslog has it.
  bool TakeLog(JsonObject object, std::int64_t wall_ns, event::Findings& findings) {
    std::string_view message = TextAt(object, "full_log");
    if (message.empty()) return false;
    SyslogLine line;
    if (const auto predecoded = ObjectAt(object, "predecoder")) {
      line.program = TextAt(*predecoded, "program_name");
    }
    // "Dec 10 01:02:02 host sshd[1234]: Failed password …": what is behind the program.
    if (!line.program.empty()) {
      const std::size_t at = message.find(line.program);
      const std::size_t colon = message.find(": ", at == message.npos ? 0 : at);
      if (at != message.npos && colon != message.npos) message.remove_prefix(colon + 2);
    }
    line.wall_ns = wall_ns;
    line.host = HostOf(object);
    line.message = message;
    log_.Take(line, "wazuh", findings);
    return true;
  }

  void TakeRule(JsonObject object, JsonObject rule, std::int64_t wall_ns, std::string_view text,
                event::Findings& findings) {
    event::AlertSighting& alert = findings.alerts.emplace_back();
    alert.source = "wazuh";
    alert.key = TextAt(object, "id");
    alert.signature_id = NumberAt(rule, "id");
    alert.signature = TextAt(rule, "description");
    alert.priority = NumberAt(rule, "level");
    JsonElement groups;
    if (rule.at_key("groups").get(groups) == simdjson::SUCCESS) {
      alert.classification = PlainText(groups);
    }
    alert.wall_ns = wall_ns;
    alert.repeat = repeats_.Count(text);
    alert.flow.observer = alert.source;
    alert.flow.begin_wall_ns = alert.flow.end_wall_ns = wall_ns;
    if (const auto data = ObjectAt(object, "data")) alert.flow.ends = EndsOf(*data);
  }

  static event::FlowEnds EndsOf(JsonObject data) {
    const auto either = [&](std::string_view name, std::string_view other) {
      const std::string_view value = TextAt(data, name);
      return value.empty() ? TextAt(data, other) : value;
    };
    event::FlowEnds ends;
    ends.transport = TransportOf(either("protocol", "proto"));
    ends.source_ip = ParseAddress(either("srcip", "src_ip"));
    ends.destination_ip = ParseAddress(either("dstip", "dest_ip"));
    if (ends.transport.empty() || !ends.known()) return {};
    if (HasPorts(ends.transport)) {
      ends.source_port = ParsePort(either("srcport", "src_port"));
      ends.destination_port = ParsePort(either("dstport", "dest_port"));
    }
    return ends;
  }

  const ImportOptions options_;
  JsonLineParser parser_;
  SystemLog log_;
  RepeatCounter repeats_;
};

}  // namespace

std::unique_ptr<event::EventSource> MakeWazuhReader(const ImportOptions& options) {
  return std::make_unique<WazuhReader>(options);
}

bool LooksLikeWazuh(std::string_view first_bytes) {
  const std::string_view line = first_bytes.substr(0, first_bytes.find('\n'));
  const auto has = [&](std::string_view word) { return line.find(word) != line.npos; };
  return line.starts_with('{') && has("\"agent\"") && has("\"manager\"") &&
         (has("\"rule\"") || has("\"full_log\"") || has("\"decoder\""));
}

}  // namespace spoor::importers
