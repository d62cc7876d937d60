// SPDX-License-Identifier: Apache-2.0
#include "proof/answer.hpp"

#include <algorithm>
#include <utility>

#include "base/store_layout.hpp"
#include "base/visible_text.hpp"
#include "store/lookup.hpp"
#include "store/row_json.hpp"

namespace spoor::proof {
namespace {

constexpr std::size_t kRowsBytesMax = 256 << 20;
constexpr std::size_t kShownCharactersMax = 200;

Result<std::vector<std::string>> ReadLines(store::Store& store, const std::string& sql) {
  ASSIGN_OR_RETURN(const std::unique_ptr<store::RowReader> rows, store.Sql(sql));
  const store::RowJson json(rows->columns());
  std::vector<std::string> lines;
  std::size_t size_bytes = 0;
  std::vector<store::Value> row;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, rows->Next(row));
    if (!more) return lines;
    size_bytes += lines.emplace_back(json.Line(row)).size();
    if (size_bytes > kRowsBytesMax) {
      return Fail(ErrorCode::kInvalidArgument, "an answer of more than {} bytes: ask for less",
                  kRowsBytesMax);
    }
  }
}

std::string Shown(std::string_view line) {
  return VisibleText(line, kShownCharactersMax);
}

}  // namespace

Result<Answer> Ask(store::Store& store, const AskedQuestion& question, const StoreWatch& watch) {
  const std::shared_ptr<void> watching = watch ? watch(store) : nullptr;
  Answer answer;
  ASSIGN_OR_RETURN(answer.rows, ReadLines(store, question.sql));
  if (question.gaps) {
    ASSIGN_OR_RETURN(answer.gaps, ReadLines(store, queries::GapSql(*question.gaps)));
  }
  return answer;
}

std::optional<std::string> DifferenceOf(const std::vector<std::string>& claimed,
                                        const std::vector<std::string>& derived) {
  std::vector<std::string_view> rest(derived.begin(), derived.end());
  std::sort(rest.begin(), rest.end());
  std::vector<std::string_view> wanted(claimed.begin(), claimed.end());
  std::sort(wanted.begin(), wanted.end());
  if (rest == wanted) return std::nullopt;
  std::vector<std::string_view> more;
  std::set_difference(wanted.begin(), wanted.end(), rest.begin(), rest.end(),
                      std::back_inserter(more));
  // The first in the order of the answer, by which a reader finds it.
  for (std::size_t i = 0; i < claimed.size(); ++i) {
    if (!std::binary_search(more.begin(), more.end(), std::string_view(claimed[i]))) continue;
    return fmt::format("row {} does not follow from the records: {}", i + 1, Shown(claimed[i]));
  }
  std::vector<std::string_view> missing;
  std::set_difference(rest.begin(), rest.end(), wanted.begin(), wanted.end(),
                      std::back_inserter(missing));
  return fmt::format("a row that follows from the records is not there: {}",
                     Shown(missing.front()));
}

std::vector<std::string> LinesOf(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    lines.emplace_back(line);
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return lines;
}

std::string TextOfLines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

Result<std::unique_ptr<DerivedStore>> DerivedStore::Make(const ingest::EntryFeed& feed,
                                                         const Options& options,
                                                         const queries::Library& library) {
  ASSIGN_OR_RETURN(ScratchFolder folder,
                   ScratchFolder::Make(ScratchFolder::FolderOnDisk(), "derived"));
  std::unique_ptr<DerivedStore> derived(new DerivedStore(std::move(folder)));
  const std::filesystem::path& root = derived->folder_.path();
  RETURN_IF_ERROR(ingest::IngestFrom(feed, options.origin, StoreLayout{root}, options.ingest));
  ASSIGN_OR_RETURN(derived->store_,
                   store::OpenStore(root.string(), {.memory_bytes_max = options.memory_bytes_max}));
  for (const queries::Query& query : library.queries()) {
    if (query.form != queries::Query::Form::kView) continue;
    ASSIGN_OR_RETURN(
        const std::vector<std::int64_t> taken,
        store::ReadIntegers(*derived->store_,
                            "SELECT count(*) FROM information_schema.tables WHERE table_schema = "
                            "'main' AND table_name = $1",
                            {query.name}));
    if (taken.front() != 0) {
      return Fail(ErrorCode::kInvalidArgument, "query {}: stands in for a table", query.name);
    }
  }
  RETURN_IF_ERROR(library.Define(*derived->store_));
  return derived;
}

}  // namespace spoor::proof
