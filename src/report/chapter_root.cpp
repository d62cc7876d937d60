// SPDX-License-Identifier: Apache-2.0
// How they became root, and what only looks like it.
#include <fmt/format.h>

#include "report/chapter.hpp"
#include "report/text.hpp"

namespace spoor::report {
namespace {

constexpr std::string_view kTransitions =
    "SELECT t.*, i.pid AS input_pid, i.command_line AS input_command, "
    "f.pid AS files_pid, f.command_line AS files_command FROM root_transitions AS t "
    "LEFT JOIN process AS i ON i.process_id = t.input_process_id "
    "LEFT JOIN process AS f ON f.process_id = t.files_process_id "
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

void TellFiles(const Row& row, Section& section) {
  const std::vector<std::string> files = row.Texts("files_read");
  const auto reader = row.Integer("files_process_id");
  if (files.empty() || !reader) return;
  std::string names;
  for (const std::string& file : files) names += (names.empty() ? "" : ", ") + Name(file);
  section.facts.push_back(
      {.text = fmt::format("Before that, {} had last read {}.",
                           reader == row.Integer("process_id")
                               ? std::string("it")
                               : ProcessName(row.Integer("files_pid"), row.Text("files_command")),
                           names),
       .id_kind = "process",
       .id = *reader});
}

/// Where a setuid program got its bit from, where the record holds that, and whose change it was
/// that did it: the step from a script that anybody could write to to root.
Result<> TellOrigin(const Chapters& chapters, const Row& row, Section& section) {
  const auto object_id = row.Integer("program_object_id");
  if (row.Text("cause") != "setuid_exec" || !object_id) return {};
  ASSIGN_OR_RETURN(const std::vector<Row> deeds,
                   chapters.Ask(fmt::format("SELECT * FROM _setuid_origin({}, {})", *object_id,
                                            row.Integer("boot_ns").value_or(0))));
  const std::string program = Name(row.Text("executable"));
  for (const Row& deed : deeds) {
    section.facts.push_back(
        {.text = fmt::format(
             "{} {} by {}, as {}.", program,
             deed.Text("deed") == "setuid" ? "had been made setuid" : "had been written",
             ProcessName(deed.Integer("pid"), deed.Text("command_line")),
             User(deed.Integer("euid"))),
         .wall_ns = deed.Integer("wall_ns"),
         .id_kind = "object",
         .id = *object_id});
  }
  if (deeds.empty()) return {};
  std::string makers;
  for (const Row& deed : deeds)
    makers +=
        fmt::format("{}{}", makers.empty() ? "" : ", ", deed.Integer("process_id").value_or(0));
  ASSIGN_OR_RETURN(
      const std::vector<Row> runs,
      chapters.Ask(fmt::format("SELECT r.path, r.object_id, r.wall_ns, p.pid, r.command_line, "
                               "r.euid, r.changed_wall_ns, r.how, "
                               "c.pid AS changed_pid, c.command_line AS changed_command "
                               "FROM _run_afterwards({{scope}}) AS r "
                               "JOIN _lineage([{}]) AS l ON l.line_process_id = r.process_id "
                               "LEFT JOIN process AS p ON p.process_id = r.process_id "
                               "LEFT JOIN process AS c ON c.process_id = r.changed_process_id "
                               "ORDER BY l.depth, r.event_id DESC LIMIT 1",
                               makers)));
  for (const Row& run : runs) {
    section.facts.push_back(
        {.text = fmt::format("That was done by, or below, {}, as {}: {}, which it {}, had been "
                             "changed by {} of this story before, at {}.",
                             ProcessName(run.Integer("pid"), run.Text("command_line")),
                             User(run.Integer("euid")), Name(run.Text("path")), run.Text("how"),
                             ProcessName(run.Integer("changed_pid"), run.Text("changed_command")),
                             Moment(run.Integer("changed_wall_ns").value_or(0))),
         .wall_ns = run.Integer("wall_ns"),
         .id_kind = "object",
         .id = run.Integer("object_id").value_or(0)});
  }
  return {};
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
                     ? fmt::format("{} went from {} to root: {}{}.",
                                   row.Text("cause") == "setuid_exec"  // what it was is no more
                                       ? fmt::format("Pid {}", pid)
                                       : ProcessName(pid, row.Text("command_line")),
                                   User(row.Integer("before_euid")),
                                   row.Text("cause") == "unexplained" ? "" : "it ",
                                   Name(row.Text("explanation")))
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
    RETURN_IF_ERROR(TellOrigin(*this, row, section));
    TellInput(row, section);
    TellFiles(row, section);
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
