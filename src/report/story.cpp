// SPDX-License-Identifier: Apache-2.0
#include "report/story.hpp"

#include <fmt/format.h>

#include <utility>

#include "queries/library.hpp"
#include "report/chapter.hpp"
#include "report/text.hpp"

namespace spoor::report {
namespace {

/// The session to tell about where none is named; nothing where none is suspicious.
Result<std::optional<Row>> MostSuspicious(store::Store& store) {
  ASSIGN_OR_RETURN(std::vector<Row> rows,
                   ReadRows(store,
                            "SELECT session_id, reasons FROM suspicious_sessions "
                            "ORDER BY score DESC, begin_wall_ns, session_id LIMIT 1"));
  if (rows.empty()) return std::optional<Row>();
  return std::optional<Row>(std::move(rows.front()));
}

Result<std::optional<std::int64_t>> SessionOf(store::Store& store, std::int64_t process_id) {
  ASSIGN_OR_RETURN(
      const std::vector<Row> rows,
      ReadRows(store, "SELECT session_id FROM _session_walk WHERE process_id = $1", {process_id}));
  if (rows.empty()) return Fail(ErrorCode::kNotFound, "there is no process {}", process_id);
  return rows.front().Integer("session_id");
}

Result<Subject> SubjectOfSession(store::Store& store, std::int64_t session_id) {
  ASSIGN_OR_RETURN(std::vector<Row> rows,
                   ReadRows(store, "SELECT * FROM sessions WHERE session_id = $1", {session_id}));
  if (rows.empty()) return Fail(ErrorCode::kNotFound, "there is no session {}", session_id);
  Subject subject;
  subject.session_id = session_id;
  subject.root_process_id = session_id;
  subject.begin_wall_ns = rows.front().Integer("begin_wall_ns");
  subject.end_wall_ns = rows.front().Integer("end_wall_ns");
  subject.host = rows.front().Text("host");
  subject.session = std::move(rows.front());
  return subject;
}

Result<Subject> SubjectOfProcess(store::Store& store, std::int64_t process_id) {
  ASSIGN_OR_RETURN(const std::vector<Row> rows,
                   ReadRows(store,
                            "SELECT p.start_wall_ns, any_value(h.name) AS host, "
                            "CASE WHEN count(*) = count(t.end_wall_ns) THEN max(t.end_wall_ns) END "
                            "AS end_wall_ns "
                            "FROM process AS p LEFT JOIN host AS h ON h.host_id = p.host_id, "
                            "process AS t WHERE p.process_id = $1 AND "
                            "t.process_id IN (SELECT o.process_id FROM _processes_of("
                            "process := " +
                                std::to_string(process_id) +
                                ") AS o) "
                                "GROUP BY p.start_wall_ns",
                            {process_id}));
  if (rows.empty()) return Fail(ErrorCode::kNotFound, "there is no process {}", process_id);
  Subject subject;
  subject.root_process_id = process_id;
  subject.begin_wall_ns = rows.front().Integer("start_wall_ns");
  subject.end_wall_ns = rows.front().Integer("end_wall_ns");
  subject.host = rows.front().Text("host");
  return subject;
}

Result<std::optional<Subject>> FindSubject(store::Store& store, const StoryOptions& options) {
  std::optional<std::int64_t> session_id = options.session_id;
  std::vector<std::string> reasons;
  if (!session_id && options.process_id) {
    ASSIGN_OR_RETURN(session_id, SessionOf(store, *options.process_id));
    if (!session_id) {
      ASSIGN_OR_RETURN(Subject subject, SubjectOfProcess(store, *options.process_id));
      return std::optional<Subject>(std::move(subject));
    }
  }
  if (!session_id) {
    ASSIGN_OR_RETURN(const std::optional<Row> suspicious, MostSuspicious(store));
    if (!suspicious) return std::optional<Subject>();
    session_id = suspicious->Integer("session_id");
    reasons = suspicious->Texts("reasons");
  }
  ASSIGN_OR_RETURN(Subject subject, SubjectOfSession(store, session_id.value_or(0)));
  subject.reasons = std::move(reasons);
  return std::optional<Subject>(std::move(subject));
}

/// The story in one breath, and why this session.
Section Summary(const Subject& subject, const std::vector<Section>& sections) {
  Section summary{.name = "summary", .title = "In short"};
  for (const Section& section : sections) {
    if (section.name == "next" || section.facts.empty()) continue;
    Fact fact = section.facts.front();
    if (section.facts.size() > 1 && section.name != "entry" && section.name != "hole")
      fact.text += fmt::format(" ({} more under “{}”)", section.facts.size() - 1, section.title);
    summary.facts.push_back(std::move(fact));
  }
  for (const std::string& reason : subject.reasons)
    summary.facts.push_back({.text = "Why this session: " + Name(reason) + ".",
                             .id_kind = "session",
                             .id = subject.root_process_id});
  return summary;
}

}  // namespace

std::string Subject::Scope() const {
  return session_id ? fmt::format("session := {}", *session_id)
                    : fmt::format("process := {}", root_process_id);
}

std::string Subject::CommandScope() const {
  return session_id ? fmt::format("session={}", *session_id)
                    : fmt::format("process={}", root_process_id);
}

Result<std::vector<Row>> Chapters::Ask(std::string_view query) const {
  constexpr std::string_view kPlace = "{scope}";
  std::string sql(query);
  for (std::size_t at = sql.find(kPlace); at != std::string::npos; at = sql.find(kPlace))
    sql.replace(at, kPlace.size(), subject.Scope());
  const auto known = answers.find(sql);
  if (known != answers.end()) return known->second;
  ASSIGN_OR_RETURN(std::vector<Row> rows, ReadRows(store, sql));
  return answers.emplace(std::move(sql), std::move(rows)).first->second;
}

Result<std::optional<Story>> Tell(store::Store& store, const StoryOptions& options) {
  // Nearly every chapter asks these.
  ASSIGN_OR_RETURN(const queries::Library library, queries::Library::Load({}));
  RETURN_IF_ERROR(store.Keep(library.WholeStoreViews()));
  ASSIGN_OR_RETURN(const std::optional<Subject> subject, FindSubject(store, options));
  if (!subject) return std::optional<Story>();
  const Chapters chapters{store, *subject, options.store_words, {}};
  Story story;
  story.title = subject->session_id
                    ? fmt::format("What happened in session {} on {}", *subject->session_id,
                                  HostName(subject->host))
                    : fmt::format("What process {} and its descendants did on {}",
                                  subject->root_process_id, HostName(subject->host));
  using Chapter = Result<Section> (Chapters::*)() const;
  for (const Chapter chapter :
       {&Chapters::Entry, &Chapters::Hole, &Chapters::Processes, &Chapters::Root, &Chapters::Files,
        &Chapters::Programs, &Chapters::FlowsOut, &Chapters::Taken, &Chapters::Persistence,
        &Chapters::Removed, &Chapters::Causes, &Chapters::Related, &Chapters::Terminals}) {
    ASSIGN_OR_RETURN(Section section, (chapters.*chapter)());
    story.sections.push_back(std::move(section));
  }
  ASSIGN_OR_RETURN(Section gaps, chapters.Gaps(story.incomplete));
  story.sections.push_back(std::move(gaps));
  ASSIGN_OR_RETURN(Section next, chapters.Next());
  story.sections.push_back(std::move(next));
  story.sections.insert(story.sections.begin(), Summary(*subject, story.sections));
  return std::optional<Story>(std::move(story));
}

}  // namespace spoor::report
