// SPDX-License-Identifier: Apache-2.0
// Ways back in: what was changed that will run, or let someone in, again.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "report/chapter.hpp"
#include "report/text.hpp"

namespace spoor::report {
namespace {

/// One well-known name, whatever files had it: editors write a new file and rename it over the old
/// one.
struct WayBack {
  std::string path, also;  ///< `also`: the well-known name of one that was changed under another
  std::string means;
  std::vector<std::string> how;
  std::int64_t written_bytes = 0;
  std::int64_t first_wall_ns = INT64_MAX;
  std::int64_t object_id = 0;  ///< 0: known by name only
  bool gone = true;            ///< none of the files is left under this name
  bool had_been_there = false;
  std::string run;      ///< by whom it was run afterwards
  std::string written;  ///< what was written, where that is short and all of it was captured
};

void Add(const Row& row, WayBack& way) {
  const bool replaced = row.Text("how").find("replaced") != std::string::npos;
  const bool gone = row.Flag("deleted");
  if (way.path.empty() || way.path != row.Text("known_as")) way.path = row.Text("path");
  way.means = row.Text("means");
  way.first_wall_ns = std::min(way.first_wall_ns, row.Integer("first_wall_ns").value_or(INT64_MAX));
  if (!gone || way.object_id == 0) way.object_id = row.Integer("object_id").value_or(0);
  if (replaced && !row.Flag("created")) {
    way.had_been_there = true;
    return;
  }
  way.gone = way.gone && gone;
  way.written_bytes += row.Integer("written_bytes").value_or(0);
  if (way.written.empty()) way.written = row.Text("written_text");
  const std::string how = row.Text("how");
  std::string_view rest = how;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(", "), rest.size());
    const std::string word(rest.substr(0, end));
    if (std::ranges::find(way.how, word) == way.how.end()) way.how.push_back(word);
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
}

std::string WayText(const WayBack& way) {
  std::string text = fmt::format(
      "{}{} ({}): {}", Name(way.path),
      way.also.empty() || way.also == way.path ? "" : ", also called " + Name(way.also) + ",",
      way.means, Name(way.how.empty() ? "replaced" : fmt::format("{}", fmt::join(way.how, ", "))));
  if (way.written_bytes > 0) text += ", " + Bytes(way.written_bytes);
  if (!way.written.empty()) text += ": " + VisibleName(way.written);
  text += ".";
  if (way.had_been_there && !way.how.empty()) text += " What had this name before was replaced.";
  if (way.gone && !way.how.empty()) text += " It is gone again.";
  return text + way.run;
}

}  // namespace

std::string WellKnownName(const Row& row) {
  return row.Text("known_as").empty() ? row.Text("path") : row.Text("known_as");
}

Result<std::vector<Row>> Chapters::PersistenceRows() const {
  return Ask(
      "WITH told AS ("
      "  SELECT means, path, object_id, created, deleted, written_bytes, first_wall_ns, how, "
      "known_as "
      "  FROM persistence({scope})"
      "), run AS ("
      "  SELECT r.path, r.object_id, r.changed_wall_ns, r.pid, r.command_line, r.euid, r.runs, "
      "r.how "
      "  FROM run_afterwards({scope}) AS r"
      "), text AS ("
      "  SELECT i.object_id, sum(octet_length(i.data)) AS size_bytes, "
      "         string_agg(_visible(i.data), '' ORDER BY i.boot_ns, i.event_id) AS written_text "
      "  FROM io AS i "
      "  WHERE i.direction = 'out' "
      "    AND i.object_id IN (SELECT t.object_id FROM told AS t WHERE t.written_bytes <= 400) "
      "    AND i.process_id IN (SELECT o.process_id FROM _processes_of({scope}) AS o) "
      "  GROUP BY i.object_id"
      ") "
      "SELECT t.*, x.written_text, NULL AS pid, NULL AS command_line, NULL AS euid, NULL AS runs, "
      "       NULL AS run_how "
      "FROM told AS t LEFT JOIN text AS x "
      "  ON x.object_id = t.object_id AND x.size_bytes = t.written_bytes "
      "UNION ALL BY NAME "
      "SELECT 'run afterwards' AS means, r.path, r.object_id, FALSE AS created, FALSE AS deleted, "
      "       r.changed_wall_ns AS first_wall_ns, 'changed' AS how, r.pid, r.command_line, r.euid, "
      "       r.runs, r.how AS run_how FROM run AS r "
      "ORDER BY first_wall_ns, path");
}

Result<Section> Chapters::Persistence() const {
  Section section{.name = "persistence", .title = "Ways back in"};
  ASSIGN_OR_RETURN(const std::vector<Row> rows, PersistenceRows());
  std::vector<WayBack> ways;
  std::map<std::string, std::size_t> places;
  for (const Row& row : rows) {
    const std::string known = WellKnownName(row);
    const auto [place, is_new] = places.try_emplace(known, ways.size());
    if (is_new) ways.emplace_back();
    WayBack& way = ways[place->second];
    way.also = known;
    if (const auto runs = row.Integer("runs")) {
      way.run += fmt::format(" It was {} afterwards, outside this story, as {}: first by {}, {}.",
                             row.Text("run_how"), User(row.Integer("euid")),
                             ProcessName(row.Integer("pid"), row.Text("command_line")),
                             Count(*runs, "time", "times"));
      if (!is_new) continue;
    }
    Add(row, way);
  }
  for (const WayBack& way : ways)
    section.facts.push_back({.text = WayText(way),
                             .wall_ns = way.first_wall_ns,
                             .id_kind = way.object_id != 0 ? "object" : "",
                             .id = way.object_id});
  if (rows.empty())
    section.facts.push_back(
        {.text = "None of the usual places (cron, units, keys, start-up files, "
                 "accounts, loader, modules) was changed, no program "
                 "was made setuid or given capabilities, and nothing that was "
                 "changed was seen to be executed or loaded by others afterwards."});
  return section;
}

}  // namespace spoor::report
