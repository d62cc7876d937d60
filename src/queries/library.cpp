// SPDX-License-Identifier: Apache-2.0
#include "queries/library.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>

#include "base/file.hpp"
#include "base/time.hpp"
#include "queries/embedded_queries.hpp"
#include "queries/narrowing.hpp"
#include "store/lookup.hpp"

namespace spoor::queries {
namespace {

constexpr std::uint64_t kQueryFileSizeBytesMax = 1 << 20;

std::optional<std::int64_t> WholeNumber(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Result<std::vector<Query>> ReadFolder(const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> files;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error))
    if (it->path().extension() == ".sql") files.push_back(it->path());
  if (error)
    return Fail(ErrorCode::kNotFound, "query folder {}: {}", folder.string(), error.message());
  std::sort(files.begin(), files.end());
  std::vector<Query> queries;
  for (const std::filesystem::path& file : files) {
    ASSIGN_OR_RETURN(const std::string sql, ReadTextFile(file, kQueryFileSizeBytesMax));
    ASSIGN_OR_RETURN(Query query, ParseQuery(file.stem().string(), sql, file.string()));
    queries.push_back(std::move(query));
  }
  return queries;
}

Result<std::string> RenderIntegers(std::string_view text) {
  std::string list = "[";
  while (true) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::optional<std::int64_t> value = WholeNumber(text.substr(0, comma));
    if (!value)
      return Fail(ErrorCode::kInvalidArgument, "\"{}\" is not a list of whole numbers like 0,1,2",
                  text);
    list += std::to_string(*value);
    if (comma == text.size()) return list + "]";
    list += ", ";
    text.remove_prefix(comma + 1);
  }
}

Result<std::string> RenderValue(const Parameter& parameter, std::string_view text,
                                store::Store& store, std::int64_t now_wall_ns) {
  if (parameter.type == "text") return store::Quoted(text);
  if (parameter.type == "integers") return RenderIntegers(text);
  if (parameter.type == "process") {
    ASSIGN_OR_RETURN(const std::int64_t process_id, store::FindProcess(store, text));
    return std::to_string(process_id);
  }
  if (parameter.type == "session") {
    ASSIGN_OR_RETURN(const std::int64_t session_id, FindSession(store, text));
    return std::to_string(session_id);
  }
  const std::optional<std::int64_t> number = WholeNumber(text);
  // A negative number without a unit is no time: -15 is more likely a forgotten "m".
  if (number && (parameter.type == "integer" || *number >= 0)) return std::to_string(*number);
  if (parameter.type == "time") {
    ASSIGN_OR_RETURN(const std::int64_t wall_ns, ParseWallTime(text, now_wall_ns));
    return std::to_string(wall_ns);
  }
  return Fail(ErrorCode::kInvalidArgument, "\"{}\" is not {}", text,
              parameter.type == "integer" ? "a whole number" : "a value that can be given here");
}

/// The call of `query` with these literals. Fails: kInvalidArgument (one is missing).
Result<std::string> RenderCall(const Query& query,
                               const std::map<std::string, std::string>& given) {
  std::string sql = fmt::format("SELECT * FROM {}", query.name);
  if (query.form == Query::Form::kView) return sql;
  sql += '(';
  for (const Parameter& parameter : query.parameters) {
    const auto value = given.find(parameter.name);
    if (value == given.end()) {
      if (parameter.optional) continue;
      return Fail(ErrorCode::kInvalidArgument, "query {} needs {}=… ({}): it is {}", query.name,
                  parameter.name, parameter.meaning, Signature(query));
    }
    if (!sql.ends_with('(')) sql += ", ";
    sql += fmt::format("\"{}\" := {}", parameter.name, value->second);
  }
  return sql + ")";
}

}  // namespace

Result<std::int64_t> FindSession(store::Store& store, std::string_view text) {
  ASSIGN_OR_RETURN(const std::int64_t process_id, store::FindProcess(store, text));
  const store::Narrowed narrowed(store);
  RETURN_IF_ERROR(NarrowTo(store, "line", {{"process", std::to_string(process_id)}},
                           {"process", "exec", "event", "socket"}, /*sessions=*/true));
  ASSIGN_OR_RETURN(
      const std::vector<std::int64_t> sessions,
      store::ReadIntegers(store, "SELECT session_id FROM _session_walk WHERE process_id = $1",
                          {process_id}));
  if (sessions.empty()) return Fail(ErrorCode::kNotFound, "process {} belongs to no session", text);
  return sessions.front();
}

std::string Signature(const Query& query) {
  std::string signature = query.name;
  if (query.form == Query::Form::kView) return signature;
  signature += '(';
  for (const Parameter& parameter : query.parameters) {
    if (!signature.ends_with('(')) signature += ", ";
    signature += parameter.optional ? "[" + parameter.name + "]" : parameter.name;
  }
  return signature + ")";
}

Result<std::vector<NamedText>> ParseArguments(std::span<const std::string> words) {
  std::vector<NamedText> arguments;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Fail(ErrorCode::kInvalidArgument, "'{}' is not name=value", word);
    }
    arguments.push_back({word.substr(0, equals), word.substr(equals + 1)});
  }
  return arguments;
}

Result<Library> Library::Load(const std::vector<std::filesystem::path>& folders) {
  Library library;
  for (const EmbeddedQuery& embedded : EmbeddedQueries()) {
    ASSIGN_OR_RETURN(Query query, ParseQuery(embedded.name, embedded.sql, ""));
    query.built_in = true;
    library.queries_.push_back(std::move(query));
  }
  for (const std::filesystem::path& folder : folders) {
    ASSIGN_OR_RETURN(const std::vector<Query> queries, ReadFolder(folder));
    for (const Query& query : queries) {
      if (const auto taken = library.Find(query.name))
        return Fail(ErrorCode::kInvalidArgument, "query {}: the name \"{}\" is taken by {}",
                    query.origin, query.name,
                    (*taken)->origin.empty() ? "a built-in query" : (*taken)->origin);
      library.queries_.push_back(query);
    }
  }
  RETURN_IF_ERROR(library.Order());
  return library;
}

Result<Library> Library::Of(std::vector<Query> queries) {
  Library library;
  library.queries_ = std::move(queries);
  RETURN_IF_ERROR(library.Order());
  return library;
}

Result<Library> Library::LoadFromEnvironment() {
  std::vector<std::filesystem::path> folders;
  const char* value = std::getenv("SPOOR_QUERIES");
  for (std::string_view rest = value == nullptr ? "" : value; !rest.empty();) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    if (colon != 0) folders.emplace_back(rest.substr(0, colon));
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  return Load(folders);
}

Result<> Library::Order() {
  std::vector<Query> ordered;
  std::set<std::string, std::less<>> waiting;
  for (const Query& query : queries_) waiting.insert(query.name);
  while (ordered.size() < queries_.size()) {
    const std::size_t before = ordered.size();
    for (const Query& query : queries_) {
      if (!waiting.contains(query.name)) continue;
      const bool ready = std::none_of(
          query.reads.begin(), query.reads.end(),
          // "io" is both a table and the query that reads it.
          [&](const std::string& read) { return read != query.name && waiting.contains(read); });
      if (!ready) continue;
      waiting.erase(query.name);
      ordered.push_back(query);
    }
    if (ordered.size() == before)
      return Fail(ErrorCode::kInvalidArgument, "query {}: it and what it reads wait for each other",
                  *waiting.begin());
  }
  queries_ = std::move(ordered);
  return {};
}

Result<const Query*> Library::Find(std::string_view name) const {
  std::string like;
  for (const Query& query : queries_) {
    if (query.name == name) return &query;
    if (name.size() > 2 && !query.internal() &&
        (query.name.find(name) != std::string::npos || name.find(query.name) != std::string::npos))
      like += (like.empty() ? "; like it: " : ", ") + query.name;
  }
  return Fail(ErrorCode::kNotFound, "there is no query \"{}\"{} (spoor query --list)", name, like);
}

std::set<std::string> Library::Reach(std::vector<std::string> names) const {
  std::set<std::string> reached;
  while (!names.empty()) {
    const std::string name = names.back();
    names.pop_back();
    if (!reached.insert(name).second) continue;
    if (const auto query = Find(name)) {
      names.insert(names.end(), (*query)->reads.begin(), (*query)->reads.end());
    }
  }
  return reached;
}

std::vector<std::string_view> Library::ReadAgain(const Query& query, bool of_session) const {
  const std::set<std::string> reach = Reach({query.name});
  std::map<std::string_view, int> readers;
  for (const Query& reader : queries_) {
    // Which session a process is of it asks only where a session is given.
    if (!reach.contains(reader.name) || (reader.name == "_processes_of" && !of_session)) continue;
    // The text of a macro stands in for each call.
    const int times = reader.form == Query::Form::kTableMacro && reader.name != query.name ? 2 : 1;
    for (const std::string& read : reader.reads) readers[read] += times;
  }
  std::vector<std::string_view> again = WholeStoreViews();
  std::erase_if(again, [&](std::string_view view) { return readers[view] < 2; });
  return again;
}

std::vector<std::string_view> Library::WholeStoreViews() const {
  std::vector<std::string_view> views;
  for (const Query& view : queries_)
    if (view.costs_whole_store) views.emplace_back(view.name);
  return views;
}

Result<> Library::Define(store::Store& store) const {
  for (const Query& query : queries_) {
    if (query.built_in) {
      store.DefineOwn(query.name, query.form == Query::Form::kView, query.sql);
    } else if (auto defined = store.Define(query.sql); !defined) {
      return Fail(defined.error().code, "query {}: {}",
                  query.origin.empty() ? query.name : query.origin, defined.error().message);
    }
  }
  return {};
}

Result<std::map<std::string, std::string>> Library::RenderValues(
    const Query& query, const std::vector<NamedText>& arguments, store::Store& store,
    std::int64_t now_wall_ns) const {
  if (query.form == Query::Form::kScalarMacro)
    return Fail(ErrorCode::kInvalidArgument, "{} is a function for use in SQL, not a question",
                query.name);
  std::map<std::string, std::string> given;
  for (const NamedText& argument : arguments) {
    const auto parameter =
        std::find_if(query.parameters.begin(), query.parameters.end(),
                     [&](const Parameter& p) { return p.name == argument.name; });
    if (parameter == query.parameters.end())
      return Fail(ErrorCode::kInvalidArgument, "query {} has no parameter \"{}\": it is {}",
                  query.name, argument.name, Signature(query));
    auto value = RenderValue(*parameter, argument.text, store, now_wall_ns);
    if (!value)
      return Fail(value.error().code, "query {}, {}: {}", query.name, argument.name,
                  value.error().message);
    if (!given.emplace(argument.name, std::move(*value)).second)
      return Fail(ErrorCode::kInvalidArgument, "query {}: {} is given twice", query.name,
                  argument.name);
  }
  return given;
}

Result<std::string> Library::Render(std::string_view name, const std::vector<NamedText>& arguments,
                                    store::Store& store, std::int64_t now_wall_ns) const {
  ASSIGN_OR_RETURN(const Query* query, Find(name));
  ASSIGN_OR_RETURN(const auto given, RenderValues(*query, arguments, store, now_wall_ns));
  return RenderCall(*query, given);
}

Result<std::string> Library::RenderNarrowed(std::string_view name,
                                            const std::vector<NamedText>& arguments,
                                            store::Store& store, std::int64_t now_wall_ns) const {
  ASSIGN_OR_RETURN(const Query* query, Find(name));
  ASSIGN_OR_RETURN(const auto given, RenderValues(*query, arguments, store, now_wall_ns));
  ASSIGN_OR_RETURN(const std::string sql, RenderCall(*query, given));
  if (query->built_in) {
    const std::set<std::string> reach = Reach({query->name});
    // _processes_of reads sessions only where a session is given.
    const bool sessions = std::any_of(queries_.begin(), queries_.end(), [&](const Query& read) {
      return read.name != "_processes_of" && reach.contains(read.name) &&
             std::find(read.reads.begin(), read.reads.end(), "_session_walk") != read.reads.end();
    });
    RETURN_IF_ERROR(NarrowTo(store, query->narrows, given, reach, sessions));
  }
  return sql;
}

}  // namespace spoor::queries
