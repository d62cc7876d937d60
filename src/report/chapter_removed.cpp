// SPDX-License-Identifier: Apache-2.0
// What they did about the traces that they left.
#include <fmt/format.h>

#include <string>
#include <string_view>

#include "report/chapter.hpp"
#include "report/text.hpp"

namespace spoor::report {
namespace {

constexpr std::size_t kTracesMax = 60;

std::string TraceText(const Row& row) {
  const std::string who = ProcessName(row.Integer("pid"), row.Text("command_line"));
  const std::string known_as = row.Text("known_as");
  const std::string name =
      known_as.empty() ? Name(row.Text("path"))
                       : Name(known_as) + " (by then called " + Name(row.Text("path")) + ")";
  if (const auto set_wall_ns = row.Integer("set_wall_ns"))
    return fmt::format("{} set the time of the last change of {} to {}.", who,
                       Name(row.Text("path")), Moment(*set_wall_ns));
  const std::string means = row.Text("means");
  if (means == "own file")
    return fmt::format("{}, which had been written here, was deleted by {}.", name, who);
  const std::string how = row.Text("how");
  return fmt::format("{} ({}) was {} by {}{}", name, means, how, who,
                     how == "replaced" ? ": what it had held is gone." : ".");
}

}  // namespace

Result<Section> Chapters::Removed() const {
  Section section{.name = "removed", .title = "Traces that were removed"};
  // Where a line is told, what the log of it held is in the record all the same: see replay and io.
  ASSIGN_OR_RETURN(const std::vector<Row> rows,
                   Ask("SELECT * FROM traces_removed({scope}) "
                       "ORDER BY means = 'own file', means = 'times', wall_ns, path, how"));
  for (const Row& row : rows) {
    if (section.facts.size() == kTracesMax) break;
    const auto object_id = row.Integer("object_id");
    section.facts.push_back({.text = TraceText(row),
                             .wall_ns = row.Integer("wall_ns"),
                             .id_kind = object_id ? "object" : "",
                             .id = object_id.value_or(0)});
  }
  if (rows.size() > kTracesMax)
    section.facts.push_back(
        {.text = fmt::format("{} more: spoor query {}traces_removed {}", rows.size() - kTracesMax,
                             store_words, subject.CommandScope())});
  if (rows.empty())
    section.facts.push_back({.text =
                                 "No log, record of logins or history of a shell was seen to be "
                                 "emptied, replaced or deleted, no time of a file to be set "
                                 "back, and no program that was written and run here to be "
                                 "deleted."});
  return section;
}

}  // namespace spoor::report
