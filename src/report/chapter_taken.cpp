// SPDX-License-Identifier: Apache-2.0
// What was read from files and may have left over a connection. What the record shows of it is told
// apart: that it was written on whole, that a line of it was sent, that it may be in what was sent.
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

constexpr std::size_t kTakenMax = 40;
constexpr std::size_t kTakenByOthersMax = 10;
constexpr std::size_t kOthersMax = 4;  ///< each is a question of its own

/// One file that one program read, and every connection that it may have left over in the same way.
struct TakenFile {
  const Row* row;  ///< the first of its rows
  std::vector<std::string> over;
};

/// Rows that differ in the connection only are one fact.
std::string KeyOf(const Row& row) {
  return fmt::format("{} {} {} {} {} {} {}", row.Integer("process_id").value_or(0),
                     row.Integer("object_id").value_or(0), row.Text("path"),
                     row.Text("command_line"), row.Integer("read_bytes").value_or(0),
                     row.Flag("copied"), row.Flag("copied") && row.Flag("seen"));
}

std::string TakenText(const TakenFile& file) {
  const Row& row = *file.row;
  const std::int64_t read = row.Integer("read_bytes").value_or(0);
  const std::string begin =
      fmt::format("{} read {} of {}{}", ProcessName(row.Integer("pid"), row.Text("command_line")),
                  Bytes(read), row.Flag("secret") ? "the secret " : "", Name(row.Text("path")));
  const std::string over = fmt::format("{}", fmt::join(file.over, " and "));
  const std::string made_here =
      row.Flag("made_here") ? " It had been written here before, out of something else." : "";
  if (row.Flag("copied") && row.Flag("seen")) {
    return fmt::format("{} and wrote as many on; a line of them was seen in what was sent {}.{}",
                       begin, over, made_here);
  }
  if (row.Flag("copied")) {
    return fmt::format("{} and wrote as many on; they may be in what was sent {}.{}", begin, over,
                       made_here);
  }
  const std::int64_t passed = row.Integer("passed_bytes").value_or(read);
  return fmt::format("{}{}; that, or what was made of it, may be in what was sent {}.{}", begin,
                     passed < read ? fmt::format(" and wrote {} on", Bytes(passed)) : "", over,
                     made_here);
}

/// Adds what `rows` of the query taken tell, at most `facts_max`; returns how many files more there
/// are.
std::size_t TellFiles(const std::vector<Row>& rows, const std::string& begin, std::size_t facts_max,
                      Section& section) {
  std::vector<TakenFile> files;
  std::map<std::string, std::size_t> places;
  for (const Row& row : rows) {
    const auto [place, is_new] = places.try_emplace(KeyOf(row), files.size());
    if (is_new) files.push_back({&row, {}});
    files[place->second].over.push_back(fmt::format(
        "to {} port {} ({} in all)", Name(row.Text("destination_ip")),
        row.Integer("destination_port").value_or(0), Bytes(row.Integer("sent_bytes").value_or(0))));
  }
  for (std::size_t i = 0; i < std::min(files.size(), facts_max); ++i)
    section.facts.push_back({.text = begin + TakenText(files[i]),
                             .wall_ns = files[i].row->Integer("wall_ns"),
                             .id_kind = "object",
                             .id = files[i].row->Integer("object_id").value_or(0)});
  return files.size() - std::min(files.size(), facts_max);
}

constexpr std::string_view kOrder =
    " ORDER BY copied AND coalesce(seen, FALSE) DESC, secret DESC, copied DESC, wall_ns, path, "
    "flow_id, process_id";

}  // namespace

/// By other sessions of the same hand: who comes in with a key fetches over it what was packed
/// before.
Result<> Chapters::TellTakenByOthers(Section& section) const {
  ASSIGN_OR_RETURN(
      const std::vector<Row> sessions,
      ReadRows(store,
               fmt::format("SELECT session_id, min(begin_wall_ns) AS begin_wall_ns "
                           "FROM related_sessions({}) WHERE logged_in IS DISTINCT FROM FALSE "
                           "GROUP BY session_id ORDER BY begin_wall_ns, session_id",
                           *subject.session_id)));
  for (std::size_t i = 0; i < std::min(sessions.size(), kOthersMax); ++i) {
    const std::int64_t session = sessions[i].Integer("session_id").value_or(0);
    ASSIGN_OR_RETURN(
        const std::vector<Row> rows,
        ReadRows(store, fmt::format("SELECT * FROM taken(session := {}){}", session, kOrder)));
    const std::size_t left =
        TellFiles(rows, fmt::format("In session {}, which may be of the same hand: ", session),
                  kTakenByOthersMax, section);
    if (left > 0)
      section.facts.push_back(
          {.text = fmt::format("{} more in session {}: spoor query {}taken session={}", left,
                               session, store_words, session)});
  }
  if (sessions.size() > kOthersMax)
    section.facts.push_back(
        {.text = fmt::format(
             "{} more sessions may be of the same hand; what they took was not asked here.",
             sessions.size() - kOthersMax)});
  return {};
}

Result<Section> Chapters::Taken() const {
  Section section{.name = "taken", .title = "What may have been taken"};
  ASSIGN_OR_RETURN(const std::vector<Row> rows,
                   Ask(fmt::format("SELECT * FROM taken({{scope}}){}", kOrder)));
  const std::size_t left = TellFiles(rows, "", kTakenMax, section);
  if (left > 0)
    section.facts.push_back({.text = Count(static_cast<std::int64_t>(left),
                                           "more file may have left, read or made here.",
                                           "more files may have left, read or made here.")});
  if (subject.session_id) RETURN_IF_ERROR(TellTakenByOthers(section));
  if (section.facts.empty())
    section.facts.push_back({.text = "No file was seen to be read by what sent over a connection, "
                                     "but for programs and what they begin with."});
  return section;
}

}  // namespace spoor::report
