// SPDX-License-Identifier: Apache-2.0
// How they came in: the connection, what was sent over it, the processes it led to.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>

#include "base/visible_text.hpp"
#include "report/chapter.hpp"
#include "report/text.hpp"

namespace spoor::report {
namespace {

constexpr std::size_t kTreeLinesMax = 300;
constexpr std::size_t kPayloadLinesMax = 60;
constexpr std::size_t kCommandCharactersMax = 140;
constexpr std::size_t kDecodedCharactersMax = 2000;

}  // namespace

Result<Section> Chapters::Entry() const {
  Section section{.name = "entry", .title = "Where it came from"};
  if (!subject.session) {
    section.facts.push_back({.text = "This process belongs to no session: no connection, login or "
                                     "scheduler was seen to have started it.",
                             .id_kind = "process",
                             .id = subject.root_process_id});
    return section;
  }
  const Row& session = *subject.session;
  const std::string daemon = Name(session.Text("daemon"));
  if (const auto flow_id = session.Integer("entry_flow_id")) {
    ASSIGN_OR_RETURN(const std::vector<Row> accepted,
                     ReadRows(store,
                              "SELECT p.process_id, p.command_line FROM process AS p "
                              "WHERE p.process_id = $1",
                              {session.Integer("entry_process_id").value_or(0)}));
    ASSIGN_OR_RETURN(
        const std::vector<Row> flow,
        ReadRows(store, "SELECT begin_wall_ns FROM flow WHERE flow_id = $1", {*flow_id}));
    std::string text = fmt::format("{} port {} connected to port {} of this host",
                                   Name(session.Text("entry_source_ip")),
                                   session.Integer("entry_source_port").value_or(0),
                                   session.Integer("entry_destination_port").value_or(0));
    if (!accepted.empty()) text += ", served by " + Name(accepted.front().Text("command_line"));
    section.facts.push_back(
        {.text = text + ".",
         .wall_ns = flow.empty() ? std::nullopt : flow.front().Integer("begin_wall_ns"),
         .id_kind = "flow",
         .id = *flow_id});
    if (session.Integer("relays").value_or(0) > 0)
      section.facts.push_back(
          {.text = fmt::format("That process passed it on over a local socket to {}.", daemon),
           .id_kind = "process",
           .id = session.Integer("daemon_process_id").value_or(0)});
  } else {
    const std::string kind = session.Text("kind");
    section.facts.push_back(
        {.text = kind == "login" ? "Somebody logged in at a terminal of this host."
                 : kind == "scheduled"
                     ? daemon + " started it as a job."
                     : daemon + " started it; no connection was seen to lead to it."});
  }
  section.facts.push_back(
      {.text = fmt::format("{} was started as {}{}.", Name(session.Text("root_command")),
                           User(session.Integer("uid")),
                           daemon.size() > 2 ? " by " + daemon : std::string()),
       .wall_ns = subject.begin_wall_ns,
       .id_kind = "session",
       .id = subject.root_process_id});
  return section;
}

Result<Section> Chapters::Hole() const {
  Section section{.name = "hole", .title = "What was sent: the hole"};
  if (!subject.session_id || !subject.session->Integer("entry_flow_id")) {
    section.facts.push_back(
        {.text = "No entry connection is known, so there is no request to show."});
    return section;
  }
  ASSIGN_OR_RETURN(
      const std::vector<Row> rows,
      ReadRows(store, fmt::format("SELECT * FROM session_entry_payload({})", *subject.session_id)));
  std::string request;
  std::int64_t in_bytes = 0;
  std::int64_t out_bytes = 0;
  std::optional<std::int64_t> first_wall_ns;
  for (const Row& row : rows) {
    const bool in = row.Text("direction") == "in";
    (in ? in_bytes : out_bytes) += row.Integer("size_bytes").value_or(0);
    if (!in || !row.Flag("before_start")) continue;
    if (!first_wall_ns) first_wall_ns = row.Integer("wall_ns");
    request += row.Text("data");
  }
  section.facts.push_back(
      {.text = fmt::format("Over the entry connection {} came in and {} went out.", Bytes(in_bytes),
                           Bytes(out_bytes)),
       .wall_ns = first_wall_ns,
       .id_kind = "flow",
       .id = subject.session->Integer("entry_flow_id").value_or(0)});
  if (request.empty()) {
    section.facts.push_back({.text = "What it said before the session began was not captured (the "
                                     "profile or its budget left it out)."});
    return section;
  }
  section.facts.push_back({.text = "This is what came in before the session began, as captured:"});
  section.lines = PayloadLines(request, kPayloadLinesMax);
  const std::string first_line = request.substr(0, request.find('\n'));
  if (const std::string decoded = PercentDecoded(first_line); decoded != first_line) {
    section.lines.emplace_back("");
    section.lines.emplace_back("The first line with its %XX decoded:");
    section.lines.push_back(VisibleText(decoded, kDecodedCharactersMax));
  }
  return section;
}

Result<Section> Chapters::Processes() const {
  Section section{.name = "processes", .title = "What ran"};
  ASSIGN_OR_RETURN(
      const std::vector<Row> rows,
      Ask("SELECT p.process_id, p.pid, p.parent_process_id, p.uid, p.euid, p.start_wall_ns, "
          "coalesce(string_agg(x.command_line, ' → ' ORDER BY x.boot_ns), "
          "any_value(p.command_line), "
          "any_value(p.name), '?') AS commands "
          "FROM process AS p LEFT JOIN exec AS x ON x.process_id = p.process_id AND x.result = 0 "
          "WHERE p.process_id IN (SELECT o.process_id FROM _processes_of({scope}) AS o) "
          "GROUP BY ALL ORDER BY p.start_wall_ns, p.pid"));
  ASSIGN_OR_RETURN(
      const std::vector<Row> programs,
      Ask("SELECT count(*) AS programs, count(*) FILTER (WHERE c.euid = 0) AS as_root, "
          "min(c.wall_ns) AS first_wall_ns FROM commands({scope}) AS c "
          "WHERE c.result = 0"));
  section.facts.push_back(
      {.text = fmt::format(
           "{} executed {}, {} of them as root.",
           Count(static_cast<std::int64_t>(rows.size()), "process", "processes"),
           Count(programs.front().Integer("programs").value_or(0), "program", "programs"),
           programs.front().Integer("as_root").value_or(0)),
       .wall_ns = programs.front().Integer("first_wall_ns"),
       .id_kind = subject.session_id ? "session" : "process",
       .id = subject.root_process_id});

  std::map<std::int64_t, std::vector<const Row*>> children;
  const Row* root = nullptr;
  for (const Row& row : rows) {
    if (row.Integer("process_id") == subject.root_process_id) {
      root = &row;
    } else {
      children[row.Integer("parent_process_id").value_or(0)].push_back(&row);
    }
  }
  std::vector<std::pair<const Row*, std::size_t>> waiting;  // depth-first, deep trees included
  if (root != nullptr) waiting.emplace_back(root, 0);
  while (!waiting.empty() && section.lines.size() < kTreeLinesMax) {
    const auto [row, depth] = waiting.back();
    waiting.pop_back();
    const auto uid = row->Integer("uid");
    const auto euid = row->Integer("euid");
    section.lines.push_back(fmt::format(
        "{}[{}] {} {} (process {})", std::string(2 * std::min<std::size_t>(depth, 30), ' '),
        uid == euid ? User(uid) : User(uid) + " as " + User(euid), row->Integer("pid").value_or(0),
        VisibleText(row->Text("commands"), kCommandCharactersMax),
        row->Integer("process_id").value_or(0)));
    const std::vector<const Row*>& below = children[row->Integer("process_id").value_or(0)];
    for (auto child = below.rbegin(); child != below.rend(); ++child)
      waiting.emplace_back(*child, depth + 1);
  }
  if (section.lines.size() < rows.size())
    section.lines.push_back(
        fmt::format("… and {} more processes: spoor query {}session_processes {}",
                    rows.size() - section.lines.size(), store_words, subject.CommandScope()));
  return section;
}

Result<Section> Chapters::Root() const {
  Section section{.name = "root", .title = "How they became root"};
  ASSIGN_OR_RETURN(
      const std::vector<Row> rows,
      Ask("SELECT t.*, i.pid AS input_pid, i.command_line AS input_command, (SELECT count(*) FROM "
          "exec AS x JOIN _lineage((SELECT list(o.process_id) "
          "FROM _processes_of({scope}) AS o)) AS l ON l.process_id = x.process_id "
          "WHERE l.line_process_id = t.process_id AND x.euid = 0 AND x.result = 0 "
          "AND x.wall_ns > t.wall_ns) AS programs_after FROM root_transitions AS t "
          "LEFT JOIN process AS i ON i.process_id = t.input_process_id "
          "WHERE t.process_id IN (SELECT o.process_id FROM _processes_of({scope}) AS o) "
          "ORDER BY programs_after DESC, t.wall_ns, t.event_id"));
  for (const Row& row : rows) {
    section.facts.push_back(
        {.text = fmt::format("Pid {} went from {} to root: it {}.", row.Integer("pid").value_or(0),
                             User(row.Integer("before_euid")), Name(row.Text("explanation"))),
         .wall_ns = row.Integer("wall_ns"),
         .id_kind = "event",
         .id = row.Integer("event_id").value_or(0)});
    const std::int64_t programs = row.Integer("programs_after").value_or(0);
    section.facts.push_back(
        {.text = programs == 0
                     ? std::string("Nothing was executed as root below it after that.")
                     : fmt::format("After that, it and what is below it executed {} as root.",
                                   Count(programs, "program", "programs")),
         .id_kind = "process",
         .id = row.Integer("process_id").value_or(0)});
    if (const auto input = row.Integer("input_process_id"))
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
  if (rows.empty()) section.facts.push_back({.text = "No process of it was seen to become root."});
  return section;
}

}  // namespace spoor::report
