// SPDX-License-Identifier: Apache-2.0
// What they left and took: files, programs, connections, ways back in, the screen.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "report/chapter.hpp"
#include "report/text.hpp"
#include "schema/loss_class.hpp"

namespace spoor::report {
namespace {

constexpr std::size_t kFilesPerGroupMax = 40;
constexpr std::size_t kFilesLookedAtMax = 8;  ///< opened only, or tried in vain

struct FileGroup {
  std::string_view condition;
  std::string_view verb;  ///< "was created"
  std::size_t files_max;
  bool hide_ordinary;  ///< only reading is ordinary there
};
constexpr FileGroup kFileGroups[] = {
    {"deleted OR replaced", "deleted", kFilesPerGroupMax, false},
    {"written AND created AND NOT (deleted OR replaced)", "created and written", kFilesPerGroupMax,
     false},
    {"created AND NOT written AND NOT (deleted OR replaced)", "created", kFilesPerGroupMax, false},
    {"(written OR renamed OR changed) AND NOT created AND NOT (deleted OR replaced) "
     "AND path NOT IN ('/dev/null', '/dev/tty', '/dev/ptmx')",
     "changed", kFilesPerGroupMax, false},
    {"read AND NOT written AND NOT created AND NOT deleted", "read", kFilesPerGroupMax, true},
    {"opened AND NOT read AND NOT written AND NOT created AND NOT deleted", "opened only",
     kFilesLookedAtMax, true},
    {"refused AND NOT opened AND NOT executed", "tried without success", kFilesLookedAtMax, true},
};

/// "“/b” (called “/a” before)": what one file was called, the name that counts first.
std::string FileName(const Row& row) {
  constexpr std::size_t kNamesMax = 2;
  const std::string path = row.Text("path");
  std::string text = Name(path);
  std::vector<std::string> others = row.Texts("names");
  std::erase(others, path);
  if (others.empty()) return text;
  text += row.Flag("deleted") ? " (called " : " (before that ";
  for (std::size_t i = 0; i < std::min(others.size(), kNamesMax); ++i)
    text += (i == 0 ? "" : ", ") + Name(others[i]);
  if (others.size() > kNamesMax) text += fmt::format(" and {} more", others.size() - kNamesMax);
  return text + (row.Flag("deleted") ? " later)" : ")");
}

std::string FileText(const Row& row, std::string_view verb) {
  const std::string name = FileName(row);
  std::string text = fmt::format("{} was {}", name, verb);
  if (verb == "deleted") {
    const std::string_view end =
        row.Flag("deleted") ? (row.Flag("created") ? "deleted again" : "deleted")
                            : "replaced by another file, or by a link: what it held is gone";
    text = fmt::format("{} was {}{}", name, row.Flag("created") ? "created and " : "", end);
  } else if (verb == "created" && row.Flag("renamed")) {
    text = fmt::format("{}{} got this name by a rename", name,
                       row.Text("type") == "symlink" ? ", a link," : "");
  } else if (verb == "created" && row.Text("type") == "symlink") {
    text += " as a link";
  } else if (verb == "changed" && row.Integer("written_bytes").value_or(0) == 0) {
    if (row.Flag("emptied")) {
      text = name + " was emptied";
    } else if (row.Flag("renamed")) {
      text = name + " was renamed";
    } else if (!row.Flag("written") && !row.Flag("renamed")) {
      text = name + " was not written to";
    }
  } else if (row.Flag("emptied")) {
    text += ", and emptied";
  }
  std::string attributes;
  for (const std::string& attribute : row.Texts("attributes")) {
    attributes += (attributes.empty() ? "; set: " : ", ") + Name(attribute);
  }
  text += attributes;
  std::string amounts;
  if (const auto bytes = row.Integer("written_bytes").value_or(0); bytes > 0)
    amounts += fmt::format("{} written", Bytes(bytes));
  if (const auto bytes = row.Integer("read_bytes").value_or(0); bytes > 0)
    amounts += fmt::format("{}{} read", amounts.empty() ? "" : ", ", Bytes(bytes));
  if (row.Flag("executed")) amounts += amounts.empty() ? "executed" : ", executed";
  if (!amounts.empty()) text += " (" + amounts + ")";
  return text + ".";
}

std::string FlowText(const Row& row) {
  const std::string state = row.Text("state");
  if (!state.empty() && state != "connected") {
    return fmt::format("{}, {}, tried to connect to {} port {} over {}: {}.",
                       ProcessName(row.Integer("pid"), row.Text("command_line")),
                       User(row.Integer("uid")), Name(row.Text("destination_ip")),
                       row.Integer("destination_port").value_or(0), row.Text("transport"),
                       state == "refused"  ? "it was refused"
                       : state == "failed" ? "it failed"
                                           : "how that ended was not seen");
  }
  const bool outbound = row.Text("direction") == "outbound";
  return fmt::format(
      "{}, {}, {} {} port {} over {}: {} out, {} in.",
      ProcessName(row.Integer("pid"), row.Text("command_line")), User(row.Integer("uid")),
      outbound ? "connected to" : "was connected to by",
      Name(row.Text(outbound ? "destination_ip" : "source_ip")),
      row.Integer(outbound ? "destination_port" : "source_port").value_or(0), row.Text("transport"),
      Bytes(row.Integer(outbound ? "source_bytes" : "destination_bytes").value_or(0)),
      Bytes(row.Integer(outbound ? "destination_bytes" : "source_bytes").value_or(0)));
}

}  // namespace

/// First, and all of them: what was read there has to be changed everywhere.
Result<> Chapters::TellSecrets(Section& section) const {
  ASSIGN_OR_RETURN(
      const std::vector<Row> rows,
      Ask("SELECT path, any_value(object_id) AS object_id, min(wall_ns) AS wall_ns, "
          "arg_min(pid, wall_ns) AS pid, arg_min(command_line, wall_ns) AS command_line, "
          "arg_min(euid, wall_ns) AS euid, sum(read_bytes)::BIGINT AS read_bytes, "
          "count(*) AS readers FROM secrets_read({scope}) WHERE NOT own_work "
          "GROUP BY host, path ORDER BY regexp_matches(path, '_history$'), wall_ns, path"));
  for (const Row& row : rows) {
    const std::int64_t others = row.Integer("readers").value_or(1) - 1;
    section.facts.push_back(
        {.text = fmt::format(
             "Secrets: {} was read by {} as {}{} ({}).", Name(row.Text("path")),
             ProcessName(row.Integer("pid"), row.Text("command_line")), User(row.Integer("euid")),
             others == 0 ? "" : " and by " + Count(others, "more process", "more processes"),
             Bytes(row.Integer("read_bytes").value_or(0))),
         .wall_ns = row.Integer("wall_ns"),
         .id_kind = "object",
         .id = row.Integer("object_id").value_or(0)});
  }
  return {};
}

Result<Section> Chapters::Files() const {
  Section section{.name = "files", .title = "Which files were touched"};
  RETURN_IF_ERROR(TellSecrets(section));
  // Each file in the first group that it fits, and all of them by one question.
  std::string group_of = "CASE";
  for (std::size_t i = 0; i < std::size(kFileGroups); ++i) {
    group_of += fmt::format(" WHEN {} THEN {}", kFileGroups[i].condition, i);
  }
  group_of += " END";
  ASSIGN_OR_RETURN(
      const std::vector<Row> rows,
      Ask(fmt::format(
          "WITH touched AS (SELECT *, list(path) OVER named AS so_far "
          "  FROM files_touched({{scope}})"
          "  WINDOW named AS (PARTITION BY host, object_id ORDER BY first_wall_ns, created, path)"
          "), folded AS ("
          // The names that renames gave to one file are told as one.
          "  SELECT host, object_id, list(path ORDER BY len(so_far)) AS names,"
          "    arg_min(created, len(so_far)) AS created, bool_or(deleted) AS deleted,"
          "    bool_or(opened) AS opened, bool_or(refused) AS refused, bool_or(\"read\") AS "
          "\"read\","
          "    bool_or(written) AS written, bool_or(renamed) AS renamed,"
          "    bool_or(executed) AS executed, bool_or(changed) AS changed,"
          "    bool_or(emptied) AS emptied, bool_or(replaced) AS replaced,"
          "    sum(read_bytes)::BIGINT AS read_bytes, sum(written_bytes)::BIGINT AS written_bytes,"
          "    list_distinct(flatten(list(attributes ORDER BY len(so_far)))) AS attributes,"
          "    min(first_wall_ns) AS first_wall_ns, any_value(type) AS type"
          "  FROM touched "
          "  GROUP BY host, object_id, CASE WHEN object_id IS NULL OR NOT renamed THEN path END"
          "), told AS ("
          "  SELECT *, CASE WHEN deleted THEN names[1] ELSE names[-1] END AS path FROM folded"
          ") "
          "SELECT *, _is_ordinary(path) AS ordinary, ({})::BIGINT AS file_group "
          "FROM told ORDER BY first_wall_ns, path, object_id",
          group_of)));
  std::int64_t ordinary = 0;
  for (std::size_t i = 0; i < std::size(kFileGroups); ++i) {
    const FileGroup& group = kFileGroups[i];
    std::size_t told = 0;
    std::size_t left = 0;
    for (const Row& row : rows) {
      if (row.Integer("file_group") != static_cast<std::int64_t>(i)) continue;
      if (group.hide_ordinary && row.Flag("ordinary")) {
        ++ordinary;
      } else if (told == group.files_max) {
        ++left;
      } else {
        ++told;
        const auto object_id = row.Integer("object_id");
        section.facts.push_back({.text = FileText(row, group.verb),
                                 .wall_ns = row.Integer("first_wall_ns"),
                                 .id_kind = object_id ? "object" : "",
                                 .id = object_id.value_or(0)});
      }
    }
    if (left > 0)
      section.facts.push_back({.text = fmt::format("{} more were {}.", left, group.verb)});
  }
  if (ordinary > 0)
    section.facts.push_back(
        {.text =
             fmt::format("{} of programs, libraries and devices were only read or opened, as every "
                         "program does.",
                         Count(ordinary, "file", "files"))});
  if (section.facts.empty()) section.facts.push_back({.text = "No file was seen to be touched."});
  return section;
}

Result<Section> Chapters::Programs() const {
  Section section{.name = "programs", .title = "Programs that were written here and then run"};
  // A server that wrote it did so for who was speaking to it.
  ASSIGN_OR_RETURN(
      const std::vector<Row> rows,
      Ask("WITH built AS MATERIALIZED (SELECT b.*, w.pid AS writer_pid FROM "
          "programs_built({scope}) AS b "
          "  LEFT JOIN process AS w ON w.process_id = b.writer_process_id"
          "), heard AS ("
          "  SELECT l.* FROM _last_inbound((SELECT list({'key': b.object_id, "
          "    'process_id': b.writer_process_id, 'boot_ns': b.written_boot_ns}) FROM built AS b)) "
          "AS l"
          ") "
          "SELECT b.*, s.remote_ip, s.remote_port FROM built AS b "
          "LEFT JOIN heard AS h ON h.key = b.object_id "
          "LEFT JOIN socket AS s ON s.object_id = h.object_id AND s.family LIKE 'inet%' "
          "ORDER BY b.wall_ns, b.object_id"));
  for (const Row& row : rows)
    section.facts.push_back(
        {.text = fmt::format("{} was executed as {} (effective {}); {} had written it{}.",
                             Name(row.Text("path")), User(row.Integer("uid")),
                             User(row.Integer("euid")),
                             ProcessName(row.Integer("writer_pid"), row.Text("writer")),
                             row.Text("remote_ip").empty()
                                 ? std::string()
                                 : fmt::format(", and had last heard from {} port {} before that",
                                               Name(row.Text("remote_ip")),
                                               row.Integer("remote_port").value_or(0))),
         .wall_ns = row.Integer("wall_ns"),
         .id_kind = "object",
         .id = row.Integer("object_id").value_or(0)});
  if (rows.empty())
    section.facts.push_back(
        {.text = "No program was executed that had been written before in the record."});
  return section;
}

Result<Section> Chapters::FlowsOut() const {
  Section section{.name = "flows", .title = "Network connections it made or took"};
  ASSIGN_OR_RETURN(const std::vector<Row> rows, Ask("SELECT * FROM connections({scope})"));
  for (const Row& row : rows)
    section.facts.push_back({.text = FlowText(row),
                             .wall_ns = row.Integer("begin_wall_ns"),
                             .id_kind = "flow",
                             .id = row.Integer("flow_id").value_or(0)});
  if (rows.empty()) section.facts.push_back({.text = "It made no network connection of its own."});
  return section;
}

Result<Section> Chapters::Terminals() const {
  Section section{.name = "terminal", .title = "What the terminal showed"};
  ASSIGN_OR_RETURN(const std::vector<Row> rows, Ask("SELECT * FROM terminals({scope})"));
  for (const Row& row : rows) {
    const auto shell = row.Integer("shell_process_id");
    std::string text = fmt::format("On {} {} were typed and {} printed.", Name(row.Text("path")),
                                   Bytes(row.Integer("in_bytes").value_or(0)),
                                   Bytes(row.Integer("out_bytes").value_or(0)));
    if (shell)
      text += " See it again: " + Name(fmt::format("spoor replay {}{}", store_words, *shell));
    section.facts.push_back({.text = text,
                             .wall_ns = row.Integer("begin_wall_ns"),
                             .id_kind = "object",
                             .id = row.Integer("object_id").value_or(0)});
  }
  if (rows.empty()) section.facts.push_back({.text = "No terminal was used."});
  return section;
}

Result<Section> Chapters::Gaps(bool& incomplete) const {
  Section section{.name = "gaps", .title = "What was not seen"};
  std::string span;
  if (subject.begin_wall_ns) span += fmt::format("\"start\" := {}", *subject.begin_wall_ns);
  if (subject.end_wall_ns)
    span += fmt::format("{}\"end\" := {}", span.empty() ? "" : ", ", *subject.end_wall_ns);
  ASSIGN_OR_RETURN(const std::vector<Row> rows,
                   ReadRows(store, fmt::format("SELECT * FROM coverage({})", span)));
  for (const Row& row : rows) {
    const auto count = row.Integer("count");
    if (schema::SaysThatEventsAreMissing(row.Text("loss_class"))) incomplete = true;
    section.facts.push_back(
        {.text = fmt::format("{} of class {} {}: {}.",
                             count ? Count(*count, "record", "records")
                                   : std::string("An unknown number of records"),
                             Name(row.Text("loss_class")),
                             UntilMoment(row.Integer("until_wall_ns").value_or(INT64_MAX)),
                             Name(row.Text("reason"))),
         .wall_ns = row.Integer("from_wall_ns")});
  }
  if (rows.empty()) section.facts.push_back({.text = "No gap in the record overlaps this story."});
  return section;
}

Result<Section> Chapters::Next() const {
  Section section{.name = "next", .title = "Where to look next"};
  const auto add = [&](std::string_view what, const std::string& command) {
    section.lines.push_back(fmt::format("# {}", what));
    section.lines.push_back("spoor " + command);
  };
  if (subject.session_id)
    add("everything in the order of time",
        fmt::format("query {}session_activity session={}", store_words, *subject.session_id));
  add("all files, the ordinary ones too",
      fmt::format("query {}files_touched {}", store_words, subject.CommandScope()));
  if (subject.session_id)
    add("the files that it wrote, as it left them",
        fmt::format("recover {}--all --session {} --out recovered", store_words,
                    *subject.session_id));
  add("all programs with their arguments",
      fmt::format("query {}commands {}", store_words, subject.CommandScope()));
  ASSIGN_OR_RETURN(const std::vector<Row> terminals, Ask("SELECT * FROM terminals({scope})"));
  for (const Row& row : terminals)
    if (const auto shell = row.Integer("shell_process_id"))
      add("the screen as they saw it", fmt::format("replay {}{}", store_words, *shell));
  ASSIGN_OR_RETURN(const std::vector<Row> persistence, PersistenceRows());
  std::set<std::string> told;
  for (const Row& row : persistence) {
    if (!told.insert(row.Text("path")).second) continue;
    if (told.size() == 1)
      section.lines.emplace_back("# what led to these files, and who wrote them");
    section.lines.push_back(fmt::format("spoor track {}--file {} --backward", store_words,
                                        ShellWord(row.Text("path"))));
  }
  add("everything that came of it",
      fmt::format("track {}--process {} --forward", store_words, subject.root_process_id));
  add("other sessions that look like a break-in",
      fmt::format("query {}suspicious_sessions", store_words));
  add("that the evidence is whole", fmt::format("verify {}", store_words));
  while (section.lines.back().ends_with(' ')) section.lines.back().pop_back();
  return section;
}

}  // namespace spoor::report
