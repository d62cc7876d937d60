// SPDX-License-Identifier: Apache-2.0
#include "api/filter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace spoor::api {
namespace {

constexpr std::size_t kConditionsMax = 32;

/// As LIKE takes it with ESCAPE '!'.
std::string PatternOf(std::string_view value) {
  std::string pattern;
  for (const char c : value) {
    if (c == '*') {
      pattern += '%';
      continue;
    }
    if (c == '%' || c == '_' || c == '!') pattern += '!';
    pattern += c;
  }
  return pattern;
}

}  // namespace

bool Condition::Matches(std::string_view text) const {
  // Each part between stars behind the one before.
  std::string_view rest = value;
  bool first = true;
  for (;;) {
    const std::size_t star = rest.find('*');
    const std::string_view part = rest.substr(0, star);
    const bool last = star == rest.npos;
    if (first && last) return text == part;
    if (first) {
      if (!text.starts_with(part)) return false;
      text.remove_prefix(part.size());
    } else if (last) {
      return text.ends_with(part);
    } else {
      const std::size_t found = text.find(part);
      if (found == text.npos) return false;
      text.remove_prefix(found + part.size());
    }
    first = false;
    rest.remove_prefix(star + 1);
  }
}

Result<std::vector<Condition>> ConditionsOf(const Parameters& parameters) {
  std::vector<Condition> conditions;
  for (std::string& text : parameters.Texts("where")) {
    Condition condition{.field = {}, .value = {}, .negated = text.starts_with('-')};
    if (condition.negated) text.erase(0, 1);
    const std::size_t colon = text.find(':');
    if (colon == text.npos || colon == 0) {
      return Fail(ErrorCode::kInvalidArgument, "where must be FIELD:VALUE, not {}", text);
    }
    condition.field = text.substr(0, colon);
    condition.value = text.substr(colon + 1);
    conditions.push_back(std::move(condition));
  }
  if (conditions.size() > kConditionsMax) {
    return Fail(ErrorCode::kInvalidArgument, "where is given more than {} times", kConditionsMax);
  }
  return conditions;
}

std::string Filter::Bind(store::Value value) {
  values_.push_back(std::move(value));
  return fmt::format("${}", values_.size());
}

Result<> Filter::AddAll(const std::vector<Condition>& conditions,
                        const std::map<std::string, std::string, std::less<>>& expressions,
                        const std::vector<std::string_view>& elsewhere) {
  for (const Condition& condition : conditions) {
    if (std::ranges::find(elsewhere, condition.field) != elsewhere.end()) continue;
    const auto expression = expressions.find(condition.field);
    if (expression == expressions.end()) {
      return Fail(ErrorCode::kInvalidArgument, "where: there is no field {} here", condition.field);
    }
    // An expression with {} is a condition of its own, with the comparison in its place.
    const std::string bound = Bind(PatternOf(condition.value));
    std::string sql =
        fmt::format("CAST({} AS VARCHAR) LIKE {} ESCAPE '!'", expression->second, bound);
    if (const std::size_t place = expression->second.find("{}"); place != std::string::npos) {
      sql = expression->second;
      for (std::size_t at = sql.find("{}"); at != sql.npos; at = sql.find("{}", at)) {
        sql.replace(at, 2, fmt::format("LIKE {} ESCAPE '!'", bound));
      }
    }
    Add(fmt::format("{}coalesce({}, FALSE)", condition.negated ? "NOT " : "", sql));
  }
  return {};
}

Result<> Filter::AddSpan(const Parameters& parameters, std::string_view column) {
  ASSIGN_OR_RETURN(const std::optional<std::int64_t> from, parameters.Integer("from_wall_ns"));
  ASSIGN_OR_RETURN(const std::optional<std::int64_t> until, parameters.Integer("until_wall_ns"));
  if (from) Add(fmt::format("{} >= {}", column, Bind(*from)));
  if (until) Add(fmt::format("{} < {}", column, Bind(*until)));
  return {};
}

Result<> Filter::AddId(const Parameters& parameters, std::string_view parameter,
                       std::string_view column) {
  ASSIGN_OR_RETURN(const std::optional<std::int64_t> id, parameters.Integer(parameter));
  if (id) Add(fmt::format("{} = {}", column, Bind(*id)));
  return {};
}

void Filter::AddBehind(const Cursor& cursor, bool descending, std::string_view first,
                       std::string_view second) {
  const std::string one = Bind(cursor.first);
  const std::string two = Bind(cursor.second);
  const char* const behind = descending ? "<" : ">";
  Add(fmt::format("({} {} {} OR ({} = {} AND {} {} {}))", first, behind, one, first, one, second,
                  behind, two));
}

Result<ListRequest> ListRequest::Of(
    const Parameters& parameters, const std::map<std::string, std::string, std::less<>>& members) {
  ListRequest request;
  ASSIGN_OR_RETURN(request.limit, parameters.Within("limit", kRowsUsual, 1, kRowsMax));
  ASSIGN_OR_RETURN(request.cursor, Cursor::Of(parameters));
  ASSIGN_OR_RETURN(request.host_id, parameters.Integer("host_id"));
  ASSIGN_OR_RETURN(request.from_wall_ns, parameters.Integer("from_wall_ns"));
  ASSIGN_OR_RETURN(request.until_wall_ns, parameters.Integer("until_wall_ns"));
  ASSIGN_OR_RETURN(request.conditions, ConditionsOf(parameters));
  for (const Condition& condition : request.conditions) {
    if (members.contains(condition.field)) continue;
    return Fail(ErrorCode::kInvalidArgument, "where: there is no field {} here", condition.field);
  }
  return request;
}

bool ListRequest::Holds(const std::map<std::string, std::string, std::less<>>& members,
                        const Json& row) const {
  return std::ranges::all_of(conditions, [&](const Condition& condition) {
    const Json& value = row[members.find(condition.field)->second];
    if (value.is_null()) return condition.negated;
    return condition.Holds(value.is_string() ? value.get<std::string>() : value.dump());
  });
}

Result<bool> IsDescending(const Parameters& parameters) {
  const std::string_view order = parameters.Text("order");
  if (parameters.Has("order") && order != "ascending" && order != "descending") {
    return Fail(ErrorCode::kInvalidArgument, "order must be ascending or descending");
  }
  return order == "descending";
}

Json PageOf(Json rows, std::int64_t limit, const char* first, const char* second) {
  Json next_cursor;
  if (std::cmp_greater(rows.size(), limit)) {
    rows.erase(static_cast<std::size_t>(limit));
    const auto number = [&rows](const char* name) {
      const Json& value = rows.back()[name];
      return value.is_string()           ? WholeNumber(value.get<std::string>()).value_or(0)
             : value.is_number_integer() ? value.get<std::int64_t>()
                                         : INT64_MIN;
    };
    next_cursor = Cursor{number(first), number(second)}.Text();
  }
  return {{"next_cursor", next_cursor}, {"total", nullptr}, {"rows", std::move(rows)}};
}

std::string Filter::Sql() const {
  std::string sql = "TRUE";
  for (const std::string& condition : conditions_) sql += " AND " + condition;
  return sql;
}

std::string Cursor::Text() const {
  return fmt::format("{}.{}", first, second);
}

Result<std::optional<Cursor>> Cursor::Of(const Parameters& parameters) {
  if (!parameters.Has("cursor")) return std::optional<Cursor>();
  const std::string_view text = parameters.Text("cursor");
  const std::size_t dot = std::min(text.find('.'), text.size());
  const std::optional<std::int64_t> first = WholeNumber(text.substr(0, dot));
  const std::optional<std::int64_t> second =
      WholeNumber(text.substr(std::min(dot + 1, text.size())));
  if (!first || !second) return Fail(ErrorCode::kInvalidArgument, "cursor is none of ours");
  return std::optional(Cursor{*first, *second});
}

}  // namespace spoor::api
