// SPDX-License-Identifier: Apache-2.0
// Other sessions that may be of the same hand: by address, by key, by what was left behind.
#include <fmt/format.h>

#include <set>
#include <string>

#include <map>

#include "report/chapter.hpp"
#include "report/text.hpp"

namespace spoor::report {
namespace {

constexpr std::size_t kSessionsMax = 40;

}  // namespace

Result<Section> Chapters::Related() const {
  Section section{.name = "related", .title = "Other sessions of the same hand"};
  if (!subject.session_id) {
    section.facts.push_back({.text = "Without a session there is no address or login to compare."});
    return section;
  }
  ASSIGN_OR_RETURN(
      const std::vector<Row> rows,
      ReadRows(store, fmt::format("SELECT r.*, CASE WHEN l.session_id IS NULL THEN '' ELSE "
                                  "array_to_string(l.names, ', ') END AS names "
                                  "FROM related_sessions({}) AS r LEFT JOIN logins AS l ON "
                                  "l.session_id = r.session_id "
                                  "ORDER BY r.logged_in IS NOT DISTINCT FROM FALSE, "
                                  "r.begin_wall_ns, r.session_id, r.link, r.words",
                                  *subject.session_id)));
  std::size_t told = 0;
  std::size_t refused = 0;
  std::string refused_names;
  std::set<std::string> told_names;
  for (const Row& row : rows) {
    const bool nobody = !row.IsNull("logged_in") && !row.Flag("logged_in");
    if (nobody && row.Text("link") == "address") {
      ++refused;
      if (!row.Text("names").empty()) {
        const std::string names = row.Text("names");
        if (told_names.insert(names).second)
          refused_names += (refused_names.empty() ? "" : ", ") + names;
      }
      continue;
    }
    if (told++ >= kSessionsMax) continue;
    const std::string who = row.Integer("uid") ? " as " + User(row.Integer("uid")) : "";
    section.facts.push_back(
        {.text = fmt::format("A session{} on {}: {}.", who, HostName(row.Text("host")),
                             Name(row.Text("words"))),
         .wall_ns = row.Integer("begin_wall_ns"),
         .id_kind = "session",
         .id = row.Integer("session_id").value_or(0)});
  }
  if (told > kSessionsMax) {
    section.facts.push_back(
        {.text = fmt::format("{} more links: spoor query {}related_sessions {}",
                             told - kSessionsMax, store_words, subject.CommandScope())});
  }
  if (refused > 0) {
    section.facts.push_back(
        {.text = fmt::format("From the same address, {} {} refused{}.",
                             Count(static_cast<std::int64_t>(refused), "login", "logins"),
                             refused == 1 ? "was" : "were",
                             refused_names.empty()
                                 ? std::string()
                                 : ", under the names " + VisibleName(refused_names))});
  }
  if (section.facts.empty()) {
    section.facts.push_back({.text = "No other session came from the same address, or by what this "
                                     "one changed."});
  }
  return section;
}

}  // namespace spoor::report
