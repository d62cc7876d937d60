// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "importers/agents/agent_readers.hpp"
#include "importers/text/json_line.hpp"
#include "importers/text/line_source.hpp"

namespace spoor::importers {
namespace {

class OsqueryReader : public LineSource {
 protected:
  Line TakeLine(std::string_view text, event::Findings& findings) override {
    const std::optional<JsonObject> object = parser_.Parse(text);
    if (!object) return Line::kMalformed;
    const std::string_view query = TextAt(*object, "name");
    const auto seconds = NumberAt(*object, "unixTime");
    if (query.empty()) return Line::kNotDecoded;  // of its own state
    constexpr std::uint64_t kSecondsMax = 4'000'000'000;
    if (!seconds || *seconds > kSecondsMax) return Line::kMalformed;
    event::LogLine& line = findings.log_lines.emplace_back();
    line.source = fmt::format("osquery {}", query);
    line.host = TextAt(*object, "hostIdentifier");
    line.program = "osqueryd";
    line.wall_ns = static_cast<std::int64_t>(*seconds) * 1'000'000'000;
    line.message = text;
    return Line::kRead;
  }

 private:
  JsonLineParser parser_;
};

}  // namespace

std::unique_ptr<event::EventSource> MakeOsqueryReader(const ImportOptions& options) {
  static_cast<void>(options);
  return std::make_unique<OsqueryReader>();
}

bool LooksLikeOsquery(std::string_view first_bytes) {
  const std::string_view line = first_bytes.substr(0, first_bytes.find('\n'));
  return line.starts_with('{') && line.find("\"hostIdentifier\"") != line.npos &&
         line.find("\"unixTime\"") != line.npos;
}

}  // namespace spoor::importers
