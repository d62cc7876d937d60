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
constexpr std::int64_t kTunnelsMax = 8;

bool LoggedIn(const Row& session) {
  return session.Flag("logged_in");
}

std::string Listed(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + VisibleName(name);
  return list;
}

}  // namespace

Result<Section> Chapters::AddLogin(Section section) const {
  ASSIGN_OR_RETURN(
      const std::vector<Row> rows,
      ReadRows(store, "SELECT * FROM logins WHERE session_id = $1", {subject.root_process_id}));
  if (rows.empty()) return section;
  const Row& login = rows.front();
  std::string text = login.Flag("succeeded")
                         ? fmt::format("Somebody logged in as {}", User(login.Integer("uid")))
                         : std::string("Nobody was let in");
  const std::vector<std::string> names = login.Texts("names");
  const std::vector<std::string> passwords = login.Texts("passwords");
  if (!names.empty()) text += "; tried under the name " + Listed(names);
  if (!passwords.empty()) text += "; passwords tried: " + Listed(passwords);
  section.facts.push_back({.text = text + ".",
                           .wall_ns = subject.begin_wall_ns,
                           .id_kind = "session",
                           .id = subject.root_process_id});
  return section;
}

Result<std::string> Chapters::WayHere(const Row& session) const {
  std::string text;
  ASSIGN_OR_RETURN(
      const std::vector<Row> chain,
      ReadRows(store,
               "WITH RECURSIVE known AS MATERIALIZED (SELECT * FROM sessions), chain AS ("
               "  SELECT k.via_session_id AS session_id, k.via_process_id AS process_id, 1 AS steps"
               "  FROM known AS k WHERE k.session_id = $1 AND k.via_session_id IS NOT NULL "
               "  UNION ALL"
               "  SELECT k.via_session_id, k.via_process_id, c.steps + 1"
               "  FROM chain AS c JOIN known AS k ON k.session_id = c.session_id"
               "  WHERE k.via_session_id IS NOT NULL AND c.steps < $2) "
               "SELECT c.session_id, p.pid, p.command_line, k.entry_source_ip, "
               "k.entry_source_port, k.kind "
               "FROM chain AS c JOIN known AS k ON k.session_id = c.session_id "
               "JOIN process AS p ON p.process_id = c.process_id ORDER BY c.steps",
               {session.Integer("session_id").value_or(0), kTunnelsMax}));
  for (const Row& way : chain) {
    text += fmt::format(
        " On the way a connection had its other end on this host, too: {}, of session {}, had it.",
        ProcessName(way.Integer("pid"), way.Text("command_line")),
        way.Integer("session_id").value_or(0));
    if (way.Text("entry_source_ip").empty()) {
      text +=
          fmt::format(" That is a session of the kind {}; no connection was seen to lead to it.",
                      Name(way.Text("kind")));
    } else {
      text +=
          fmt::format(" That session came in from {} port {}.", Name(way.Text("entry_source_ip")),
                      way.Integer("entry_source_port").value_or(0));
    }
  }
  return text;
}

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
        ReadRows(store, "SELECT begin_wall_ns FROM _flow_seen WHERE flow_id = $1", {*flow_id}));
    std::string text = fmt::format(
        "{} port {} connected to port {} of {}", Name(session.Text("entry_source_ip")),
        session.Integer("entry_source_port").value_or(0),
        session.Integer("entry_destination_port").value_or(0), HostName(session.Text("host")));
    if (!accepted.empty()) text += ", served by " + Name(accepted.front().Text("command_line"));
    ASSIGN_OR_RETURN(const std::string way_here, WayHere(session));
    section.facts.push_back(
        {.text = text + "." + way_here,
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
        {.text = kind == "login"
                     ? fmt::format("Somebody {} at a terminal of {}.",
                                   LoggedIn(session) ? "logged in" : "was asked to log in",
                                   HostName(session.Text("host")))
                 : kind == "scheduled"
                     ? daemon + " started it as a job."
                     : daemon + " started it; no connection was seen to lead to it."});
  }
  if (session.IsNull("logged_in")) {
    section.facts.push_back(
        {.text = fmt::format("{} was started as {}{}.", Name(session.Text("root_command")),
                             User(session.Integer("uid")),
                             daemon.size() > 2 ? " by " + daemon : std::string()),
         .wall_ns = subject.begin_wall_ns,
         .id_kind = "session",
         .id = subject.root_process_id});
    return section;
  }
  return AddLogin(std::move(section));
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
  std::int64_t before_bytes = 0;
  std::optional<std::int64_t> first_wall_ns;
  for (const Row& row : rows) {
    const bool in = row.Text("direction") == "in";
    (in ? in_bytes : out_bytes) += row.Integer("size_bytes").value_or(0);
    if (!in || !row.Flag("before_start")) continue;
    before_bytes += row.Integer("size_bytes").value_or(0);
    if (!first_wall_ns) first_wall_ns = row.Integer("wall_ns");
    request += row.Text("data");
  }
  section.facts.push_back(
      {.text = fmt::format("Over the entry connection {} came in and {} went out.", Bytes(in_bytes),
                           Bytes(out_bytes)),
       .wall_ns = first_wall_ns,
       .id_kind = "flow",
       .id = subject.session->Integer("entry_flow_id").value_or(0)});
  if (before_bytes == 0) {
    section.facts.push_back({.text = "Nothing came in over it before the session began."});
    return section;
  }
  if (request.empty()) {
    section.facts.push_back(
        {.text = fmt::format("The {} that came in before the session began were not captured (the "
                             "profile or its budget left them out).",
                             Bytes(before_bytes))});
    return section;
  }
  const std::int64_t left_out = before_bytes - static_cast<std::int64_t>(request.size());
  section.facts.push_back(
      {.text = left_out > 0
                   ? fmt::format("This is what came in before the session began, as captured; {} "
                                 "more were left out:",
                                 Bytes(left_out))
                   : std::string("This is what came in before the session began:")});
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

}  // namespace spoor::report
