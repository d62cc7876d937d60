// SPDX-License-Identifier: Apache-2.0
#include "analysis/question.hpp"

#include <algorithm>

#include "store/row.hpp"

namespace spoor::analysis {

Result<std::vector<Gap>> GapsIn(store::Store& store, const queries::GapWindow& window) {
  std::vector<Gap> gaps;
  RETURN_IF_ERROR(store::ForEachRow(
      store, queries::GapSql(window), {}, [&gaps](const std::vector<store::Value>& row) {
        gaps.push_back({.loss_class = store::TextOf(row[0]),
                        .count = store::IntegerOf(row[1]),
                        .reason = store::TextOf(row[2]),
                        .from_wall_ns = store::IntegerOf(row[3]).value_or(INT64_MIN),
                        .until_wall_ns = store::IntegerOf(row[4]).value_or(INT64_MAX),
                        .host = store::TextOf(row[5]),
                        .recording_id = store::TextOf(row[6])});
      }));
  return gaps;
}

ExitCode Told::Judge(const ReadableStore& store) const {
  if (!gaps.empty()) return ExitCode::kIncomplete;
  return store.Judge(row_count == 0 ? ExitCode::kNone : ExitCode::kDone);
}

Result<Told> Ask(store::Store& store, const queries::Library& library, const queries::Query& query,
                 const std::vector<queries::NamedText>& arguments, const Taking& taking) {
  Told told;
  {
    const store::Narrowed narrowed(store);
    ASSIGN_OR_RETURN(const std::string sql,
                     library.RenderNarrowed(query.name, arguments, store, taking.now_wall_ns));
    const std::shared_ptr<void> watch = taking.watch ? taking.watch(store) : nullptr;
    // Of a narrowed store a view is not the whole one, and must not be kept.
    if (query.narrows.empty()) {
      const bool of_session = std::ranges::any_of(
          arguments, [](const queries::NamedText& given) { return given.name == "session"; });
      RETURN_IF_ERROR(store.Keep(library.ReadAgain(query, of_session)));
    }
    ASSIGN_OR_RETURN(const std::unique_ptr<store::RowReader> rows, store.Sql(sql));
    ASSIGN_OR_RETURN(told.row_count, taking.read(*rows));
  }
  if (const std::optional<queries::GapWindow> window =
          queries::GapWindowOf(library, query, arguments, taking.now_wall_ns)) {
    ASSIGN_OR_RETURN(told.gaps, GapsIn(store, *window));
  }
  return told;
}

}  // namespace spoor::analysis
