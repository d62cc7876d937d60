// SPDX-License-Identifier: Apache-2.0
// How they became root, and what only looks like it.
#include <fmt/format.h>

#include "report/chapter.hpp"
#include "report/text.hpp"

namespace spoor::report {
namespace {

constexpr std::string_view kTransitions =
    "SELECT t.*, i.pid AS input_pid, i.command_line AS input_command FROM root_transitions AS t "
    "LEFT JOIN process AS i ON i.process_id = t.input_process_id "
    "WHERE t.process_id IN (SELECT o.process_id FROM _processes_of({scope}) AS o) "
    "ORDER BY t.cause = 'setuid_program', t.programs DESC, t.wall_ns, t.event_id";

void TellInput(const Row& row, Section& section) {
  const auto input = row.Integer("input_process_id");
  if (!input) return;
  section.facts.push_back(
      {.text = fmt::format(
           "Before that, {} had last read from {}{}.",
           ProcessName(row.Integer("input_pid"), row.Text("input_command")),
           Name(row.Text("input_path").empty() ? "a socket or pipe" : row.Text("input_path")),
           row.Text("input_text").empty() ? std::string(" (what, was not captured)")
                                          : ": " + VisibleName(row.Text("input_text"))),
       .wall_ns = row.Integer("input_wall_ns"),
       .id_kind = "process",
       .id = *input});
}

}  // namespace

Result<Section> Chapters::Root() const {
  Section section{.name = "root", .title = "How they became root"};
  ASSIGN_OR_RETURN(const std::vector<Row> rows, Ask(kTransitions));
  bool any = false;
  for (const Row& row : rows) {
    const bool became = row.Text("cause") != "setuid_program";
    if (!became && !any) section.facts.push_back({.text = kNobodyBecameRoot});
    any = true;
    const std::int64_t pid = row.Integer("pid").value_or(0);
    section.facts.push_back(
        {.text = became
                     ? fmt::format("Pid {} went from {} to root: it {}.", pid,
                                   User(row.Integer("before_euid")), Name(row.Text("explanation")))
                     : fmt::format("Pid {}, {}, did not become root by it: it {}.", pid,
                                   User(row.Integer("before_euid")), Name(row.Text("explanation"))),
         .wall_ns = row.Integer("wall_ns"),
         .id_kind = "event",
         .id = row.Integer("event_id").value_or(0)});
    if (!became) continue;
    const std::int64_t programs = row.Integer("programs").value_or(0);
    section.facts.push_back(
        {.text = programs == 0
                     ? std::string("Nothing was executed as root below it after that.")
                     : fmt::format("After that, it and what is below it executed {} as root.",
                                   Count(programs, "program", "programs")),
         .id_kind = "process",
         .id = row.Integer("process_id").value_or(0)});
    TellInput(row, section);
  }
  if (!any) section.facts.push_back({.text = kNobodyBecameRoot});
  ASSIGN_OR_RETURN(
      const std::vector<Row> regained,
      Ask("SELECT count(*) AS processes, string_agg(DISTINCT r.executable, ', ') AS programs "
          "FROM root_regained AS r "
          "WHERE r.process_id IN (SELECT o.process_id FROM _processes_of({scope}) AS o)"));
  const std::int64_t processes = regained.front().Integer("processes").value_or(0);
  if (processes > 0) {
    section.facts.push_back(
        {.text = fmt::format("{} laid root's rights down for a while and took them back ({}): that "
                             "is no gain.",
                             Count(processes, "process", "processes"),
                             Name(regained.front().Text("programs")))});
  }
  return section;
}

}  // namespace spoor::report
