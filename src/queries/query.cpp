// SPDX-License-Identifier: Apache-2.0
#include "queries/query.hpp"

#include <algorithm>
#include <cctype>
#include <set>

#include "queries/narrowing.hpp"

namespace spoor::queries {
namespace {

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0)
    text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0)
    text.remove_suffix(1);
  return text;
}

/// Takes the first word off `text`.
std::string_view TakeWord(std::string_view& text) {
  text = Trimmed(text);
  const std::size_t length = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, length);
  text = Trimmed(text.substr(length));
  return word;
}

std::string_view TakeLine(std::string_view& text) {
  const std::size_t length = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, length);
  text.remove_prefix(std::min(length + 1, text.size()));
  return line;
}

bool IsNameCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

struct HeaderLine {
  std::string key;
  std::string text;
};

/// "-- key: text" lines at the top, continuation lines joined.
std::vector<HeaderLine> ReadHeader(std::string_view sql) {
  std::vector<HeaderLine> lines;
  while (!sql.empty()) {
    std::string_view line = TakeLine(sql);
    if (!line.starts_with("--")) break;
    line.remove_prefix(2);
    if (line.starts_with("  ") && !lines.empty()) {
      lines.back().text += ' ';
      lines.back().text += Trimmed(line);
      continue;
    }
    line = Trimmed(line);
    if (line.starts_with("SPDX-License-Identifier:")) continue;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
      lines.push_back({std::string(line), ""});
      continue;
    }
    lines.push_back(
        {std::string(line.substr(0, colon)), std::string(Trimmed(line.substr(colon + 1)))});
  }
  return lines;
}

std::vector<std::string> SplitNames(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    if (const std::string_view name = Trimmed(text.substr(0, comma)); !name.empty())
      names.emplace_back(name);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return names;
}

Result<Parameter> ParseParameter(std::string_view file, std::string_view text) {
  constexpr std::string_view kOptional = "[default]";
  Parameter parameter;
  if (text.ends_with(kOptional)) {
    parameter.optional = true;
    text.remove_suffix(kOptional.size());
  }
  parameter.name = TakeWord(text);
  parameter.type = TakeWord(text);
  parameter.meaning = Trimmed(text);
  static const std::set<std::string_view> kTypes{"process", "session",  "time",   "text",
                                                 "integer", "integers", "structs"};
  if (!kTypes.contains(parameter.type) || parameter.meaning.empty())
    return Fail(ErrorCode::kInvalidArgument,
                "query {}: parameter \"{}\" needs a name, a type (process, session, time, text, "
                "integer, integers) and a meaning",
                file, parameter.name);
  return parameter;
}

Result<> ParseLine(const HeaderLine& line, std::string_view file, Query& query) {
  if (line.text.empty())
    return Fail(ErrorCode::kInvalidArgument, "query {}: header line \"{}\" says nothing", file,
                line.key);
  if (line.key == "question") {
    query.question = line.text;
  } else if (line.key == "reads") {
    query.reads = SplitNames(line.text);
  } else if (line.key == "parameter") {
    ASSIGN_OR_RETURN(Parameter parameter, ParseParameter(file, line.text));
    query.parameters.push_back(std::move(parameter));
  } else if (line.key == "column") {
    std::string_view rest = line.text;
    QueryColumn column;
    column.name = TakeWord(rest);
    column.type = TakeWord(rest);
    column.meaning = rest;
    if (column.meaning.empty())
      return Fail(ErrorCode::kInvalidArgument, "query {}: column \"{}\" has no type or no meaning",
                  file, column.name);
    query.columns.push_back(std::move(column));
  } else if (line.key == "narrows") {
    if (!IsNarrowing(line.text)) {
      return Fail(ErrorCode::kInvalidArgument,
                  "query {}: narrows \"{}\": not file, process, line or tree", file, line.text);
    }
    query.narrows = line.text;
  } else if (line.key == "costs") {
    if (line.text != "the whole store") {
      return Fail(ErrorCode::kInvalidArgument, "query {}: costs \"{}\": not the whole store", file,
                  line.text);
    }
    query.costs_whole_store = true;
  } else if (line.key == "needs") {
    query.needs = line.text;
  } else if (line.key == "limits") {
    query.limits = line.text;
  } else if (line.key == "source") {
    query.source = line.text;
  } else {
    return Fail(ErrorCode::kInvalidArgument, "query {}: unknown header key \"{}\"", file, line.key);
  }
  return {};
}

/// The statement as tokens: names (lower case, quotes off) and single other characters; comments
/// and string literals left out.
std::vector<std::string> Tokens(std::string_view sql) {
  std::vector<std::string> tokens;
  for (std::size_t i = 0; i < sql.size();) {
    const char c = sql[i];
    if (c == '-' && sql.substr(i).starts_with("--")) {
      i = std::min(sql.find('\n', i), sql.size());
    } else if (c == '\'' || c == '"') {
      const std::size_t end = std::min(sql.find(c, i + 1), sql.size());
      if (c == '"') tokens.emplace_back(sql.substr(i + 1, end - i - 1));
      i = end + 1;
    } else if (IsNameCharacter(c)) {
      std::string word;
      for (; i < sql.size() && IsNameCharacter(sql[i]); ++i)
        word += static_cast<char>(std::tolower(static_cast<unsigned char>(sql[i])));
      tokens.push_back(std::move(word));
    } else {
      if (std::isspace(static_cast<unsigned char>(c)) == 0) tokens.emplace_back(1, c);
      ++i;
    }
  }
  return tokens;
}

Result<Query::Form> FormOf(std::string_view file, std::string_view name,
                           const std::vector<std::string>& tokens) {
  const bool complete = tokens.size() > 6 && tokens[0] == "create" && tokens[1] == "or" &&
                        tokens[2] == "replace" && (tokens[3] == "macro" || tokens[3] == "view") &&
                        tokens[4] == name && (tokens[5] == "(" || tokens[5] == "as");
  if (!complete)
    return Fail(ErrorCode::kInvalidArgument,
                "query {}: the file must hold one statement, CREATE OR REPLACE MACRO {} or "
                "CREATE OR REPLACE VIEW {}",
                file, name, name);
  if (tokens[3] == "view") return Query::Form::kView;
  const auto close = std::find(tokens.begin(), tokens.end(), ")");
  const bool table = tokens.end() - close > 2 && *(close + 1) == "as" && *(close + 2) == "table";
  return table ? Query::Form::kTableMacro : Query::Form::kScalarMacro;
}

}  // namespace

Result<Query> ParseQuery(std::string_view name, std::string_view sql, std::string_view origin) {
  const std::string_view file = origin.empty() ? name : origin;
  if (name.empty() || !std::all_of(name.begin(), name.end(), [](char c) {
        return IsNameCharacter(c) && std::isupper(static_cast<unsigned char>(c)) == 0;
      }))
    return Fail(ErrorCode::kInvalidArgument,
                "query {}: a query is named in lower case letters, digits and underscores", file);
  Query query;
  query.name = name;
  query.sql = sql;
  query.origin = origin;
  for (const HeaderLine& line : ReadHeader(sql)) RETURN_IF_ERROR(ParseLine(line, file, query));
  ASSIGN_OR_RETURN(query.form, FormOf(file, name, Tokens(sql)));
  if (query.costs_whole_store && query.form != Query::Form::kView) {
    return Fail(ErrorCode::kInvalidArgument, "query {}: only a view costs the whole store", file);
  }
  const auto missing = [&]() -> const char* {
    if (query.question.empty()) return "question";
    if (query.reads.empty() && query.form != Query::Form::kScalarMacro) return "reads";
    if (query.columns.empty()) return "column";
    if (query.limits.empty()) return "limits";
    if (query.source.empty()) return "source";
    return nullptr;
  }();
  if (missing != nullptr)
    return Fail(ErrorCode::kInvalidArgument, "query {}: the header has no \"-- {}:\" line", file,
                missing);
  return query;
}

std::vector<std::string> NamesUsed(std::string_view sql, const std::vector<std::string>& known) {
  const std::vector<std::string> tokens = Tokens(sql);
  std::set<std::string> used;
  for (std::size_t i = 5; i < tokens.size(); ++i) {  // behind CREATE OR REPLACE MACRO name
    const bool called = i + 1 < tokens.size() && tokens[i + 1] == "(";
    const bool table = tokens[i - 1] == "from" || tokens[i - 1] == "join";
    if ((called || table) && std::find(known.begin(), known.end(), tokens[i]) != known.end())
      used.insert(tokens[i]);
  }
  return {used.begin(), used.end()};
}

}  // namespace spoor::queries
