// SPDX-License-Identifier: Apache-2.0
#include "queries/gaps.hpp"

#include <algorithm>
#include <set>

#include "base/time.hpp"
#include "schema/loss_class.hpp"

namespace spoor::queries {
namespace {

/// The wall time that an argument of type time gives, else `otherwise`.
std::int64_t TimeOf(const std::vector<NamedText>& arguments, std::string_view name,
                    std::int64_t now_wall_ns, std::int64_t otherwise) {
  for (const NamedText& argument : arguments) {
    if (argument.name != name) continue;
    if (const auto wall_ns = ParseWallTime(argument.text, now_wall_ns)) return *wall_ns;
  }
  return otherwise;
}

}  // namespace

std::optional<GapWindow> GapWindowOf(const Library& library, const Query& query,
                                     const std::vector<NamedText>& arguments,
                                     std::int64_t now_wall_ns) {
  if (std::find(query.reads.begin(), query.reads.end(), "gap") != query.reads.end()) {
    return std::nullopt;
  }
  const std::int64_t time = TimeOf(arguments, "time", now_wall_ns, INT64_MIN);
  const bool moment = time != INT64_MIN;
  return GapWindow{
      .from_wall_ns = moment ? time : TimeOf(arguments, "start", now_wall_ns, INT64_MIN),
      .until_wall_ns = moment ? time : TimeOf(arguments, "end", now_wall_ns, INT64_MAX),
      .payload = library.Reach({query.name}).contains("io")};
}

GapWindow GapWindowOf(const Library& library, std::string_view sql) {
  return {.payload = library.Reach(NamesIn(library, sql)).contains("io")};
}

std::vector<std::string> NamesIn(const Library& library, std::string_view sql) {
  std::vector<std::string> known{"io"};
  for (const Query& query : library.queries()) known.push_back(query.name);
  return NamesUsed("CREATE OR REPLACE VIEW question AS " + std::string(sql), known);
}

std::string GapSql(const GapWindow& window) {
  // The smallest integer cannot be written as a literal.
  return fmt::format(
      "SELECT loss_class, count, reason, from_wall_ns, until_wall_ns, coalesce(host.name, '?') AS "
      "host, recording_id FROM gap LEFT JOIN host USING (host_id) "
      "WHERE until_wall_ns >= {} AND from_wall_ns <= {}{} "
      "ORDER BY from_wall_ns, loss_class, until_wall_ns, host, recording_id, reason",
      std::max(window.from_wall_ns, INT64_MIN + 1), window.until_wall_ns,
      window.payload ? "" : " AND " + schema::EventsAreMissingSql());
}

}  // namespace spoor::queries
