// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <map>

#include "importers/cowrie/cowrie_readers.hpp"
#include "importers/text/fields.hpp"
#include "importers/text/json_line.hpp"
#include "importers/text/line_source.hpp"

namespace spoor::importers {
namespace {

constexpr std::string_view kObserver = "cowrie";
constexpr std::size_t kSessionsMax = 1 << 16;

class CowrieReader : public LineSource {
 public:
  explicit CowrieReader(const ImportOptions& options) : options_(options) {}

 protected:
  Line TakeLine(std::string_view line, event::Findings& findings) override {
    const std::optional<JsonObject> found = parser_.Parse(line);
    if (!found) return Line::kMalformed;
    const JsonObject object = *found;
    const std::string_view event_id = TextAt(object, "eventid");
    const auto wall_ns = ParseIsoTime(TextAt(object, "timestamp"), options_.time);
    if (event_id.empty() || !wall_ns) return Line::kMalformed;
    const std::string session(TextAt(object, "session"));
    if (event_id == "cowrie.session.connect") Open(object, session, *wall_ns, findings);
    if (event_id == "cowrie.session.closed") Close(session, *wall_ns, findings);
    event::LogLine& entry = findings.log_lines.emplace_back();
    entry.source = event_id.starts_with("cowrie.")
                       ? fmt::format("{} {}", kObserver, event_id.substr(kObserver.size() + 1))
                       : std::string(kObserver);
    entry.program = kObserver;
    entry.wall_ns = wall_ns;
    entry.message = line;
    return Line::kRead;
  }

  void End(event::Findings& findings) override {
    for (auto& [session, flow] : open_) findings.flows.push_back(std::move(flow));
    open_.clear();
  }

 private:
  void Open(JsonObject object, const std::string& session, std::int64_t wall_ns,
            event::Findings& findings) {
    event::FlowSighting flow;
    flow.observer = kObserver;
    flow.key = session;
    flow.ends.source_ip = ParseAddress(TextAt(object, "src_ip"));
    flow.ends.destination_ip = ParseAddress(TextAt(object, "dst_ip"));
    flow.ends.source_port = PortAt(object, "src_port");
    flow.ends.destination_port = PortAt(object, "dst_port");
    flow.ends.transport = "tcp";
    flow.application = TextAt(object, "protocol");
    flow.begin_wall_ns = flow.end_wall_ns = wall_ns;
    if (!flow.ends.known()) return;
    if (open_.size() >= kSessionsMax) End(findings);
    open_.insert_or_assign(session, std::move(flow));
  }

  void Close(const std::string& session, std::int64_t wall_ns, event::Findings& findings) {
    const auto open = open_.find(session);
    if (open == open_.end()) return;
    open->second.end_wall_ns = std::max(open->second.begin_wall_ns, wall_ns);
    open->second.state = "closed";
    findings.flows.push_back(std::move(open->second));
    open_.erase(open);
  }

  const ImportOptions options_;
  JsonLineParser parser_;
  std::map<std::string, event::FlowSighting> open_;  // by session
};

}  // namespace

std::unique_ptr<event::EventSource> MakeCowrieReader(const ImportOptions& options) {
  return std::make_unique<CowrieReader>(options);
}

bool LooksLikeCowrie(std::string_view first_bytes) {
  const std::string_view line = first_bytes.substr(0, first_bytes.find('\n'));
  return line.starts_with('{') && line.find("\"eventid\"") != std::string_view::npos &&
         line.find("cowrie.") != std::string_view::npos;
}

}  // namespace spoor::importers
