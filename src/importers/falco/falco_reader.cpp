// SPDX-License-Identifier: Apache-2.0
#include "importers/falco/falco_reader.hpp"

#include <fmt/format.h>
#include <array>

#include "base/repeat_counter.hpp"
#include "importers/text/fields.hpp"
#include "importers/text/json_line.hpp"
#include "importers/text/line_source.hpp"
#include "importers/text/log_time.hpp"

namespace spoor::importers {
namespace {

/// From 0, the most urgent, as syslog counts.
std::optional<std::uint64_t> PriorityOf(std::string_view name) {
  constexpr std::array<std::string_view, 8> kNames{"emergency", "alert",  "critical",      "error",
                                                   "warning",   "notice", "informational", "debug"};
  const std::string wanted = LowerCase(name);
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == wanted || (i == 6 && wanted == "info")) return i;
  }
  return std::nullopt;
}

/// The connection that the fields are about, from client to server.
event::FlowEnds EndsOf(JsonObject fields) {
  event::FlowEnds ends;
  ends.transport = TransportOf(TextAt(fields, "fd.l4proto"));
  ends.source_ip = ParseAddress(TextAt(fields, "fd.cip"));
  ends.destination_ip = ParseAddress(TextAt(fields, "fd.sip"));
  ends.source_port = PortAt(fields, "fd.cport");
  ends.destination_port = PortAt(fields, "fd.sport");
  if (!ends.known()) {
    // "10.0.0.1:4000->10.0.0.2:80"
    std::string_view name = TextAt(fields, "fd.name");
    const auto source = ParseAddressAndPort(TakeUntil(name, "->"));
    const auto destination = ParseAddressAndPort(name);
    if (!source || !destination) return {};
    ends.source_ip = source->ip;
    ends.source_port = source->port;
    ends.destination_ip = destination->ip;
    ends.destination_port = destination->port;
  }
  return ends.transport.empty() ? event::FlowEnds{} : ends;
}

class FalcoReader : public LineSource {
 public:
  explicit FalcoReader(const ImportOptions& options) : options_(options) {}

 protected:
  Line TakeLine(std::string_view text, event::Findings& findings) override {
    const std::optional<JsonObject> object = parser_.Parse(text);
    if (!object) return Line::kMalformed;
    const std::string_view rule = TextAt(*object, "rule");
    const auto wall_ns = ParseIsoTime(TextAt(*object, "time"), options_.time);
    if (rule.empty()) return Line::kNotDecoded;
    if (!wall_ns) return Line::kMalformed;
    event::AlertSighting& alert = findings.alerts.emplace_back();
    alert.source = "falco";
    alert.signature = rule;
    alert.priority = PriorityOf(TextAt(*object, "priority"));
    JsonElement tags;
    if (object->at_key("tags").get(tags) == simdjson::SUCCESS) {
      alert.classification = PlainText(tags);
    }
    alert.wall_ns = *wall_ns;
    const std::string_view output = TextAt(*object, "output");
    alert.repeat = repeats_.Count(fmt::format("{} {}", *wall_ns, text));
    event::LogLine& line = findings.log_lines.emplace_back();
    line.source = "falco";
    line.host = TextAt(*object, "hostname");
    line.wall_ns = wall_ns;
    line.message = output.empty() ? rule : output;
    if (const auto fields = ObjectAt(*object, "output_fields")) {
      line.program = TextAt(*fields, "proc.name");
      alert.flow.ends = EndsOf(*fields);
    }
    alert.flow.observer = alert.source;
    alert.flow.begin_wall_ns = alert.flow.end_wall_ns = *wall_ns;
    return Line::kRead;
  }

 private:
  const ImportOptions options_;
  JsonLineParser parser_;
  RepeatCounter repeats_;
};

}  // namespace

std::unique_ptr<event::EventSource> MakeFalcoReader(const ImportOptions& options) {
  return std::make_unique<FalcoReader>(options);
}

bool LooksLikeFalco(std::string_view first_bytes) {
  const std::string_view line = first_bytes.substr(0, first_bytes.find('\n'));
  return line.starts_with('{') && line.find("\"output_fields\"") != std::string_view::npos &&
         line.find("\"rule\"") != std::string_view::npos;
}

}  // namespace spoor::importers
