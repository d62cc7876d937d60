// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/json.hpp"
#include "api/parameters.hpp"
#include "base/result.hpp"
#include "store/store.hpp"

namespace spoor::api {

/// One `where` of a request: FIELD:VALUE, or -FIELD:VALUE for all but that.
struct Condition {
  std::string field;
  std::string value;
  bool negated = false;

  /// Whether `text` is as `value` says, where * stands for any characters.
  bool Matches(std::string_view text) const;
  /// Matches, turned round where it is negated.
  bool Holds(std::string_view text) const { return Matches(text) != negated; }
};
/// Of all `where` of a request. Fails: kInvalidArgument.
Result<std::vector<Condition>> ConditionsOf(const Parameters& parameters);

struct Cursor;

/// What the rows of a list must be, as SQL with its values bound.
class Filter {
 public:
  /// "$1", "$2" …
  std::string Bind(store::Value value);
  /// One more condition; no text of a request but through Bind.
  void Add(std::string condition) { conditions_.push_back(std::move(condition)); }
  /// `expressions`: of each field that the list knows, in SQL. Those of `elsewhere` are left to the
  /// caller. Fails: kInvalidArgument (an unknown field).
  Result<> AddAll(const std::vector<Condition>& conditions,
                  const std::map<std::string, std::string, std::less<>>& expressions,
                  const std::vector<std::string_view>& elsewhere = {});
  /// Rows whose column lies in from_wall_ns to until_wall_ns of the request.
  Result<> AddSpan(const Parameters& parameters, std::string_view column);
  /// Rows of which the column is the parameter, where that is given.
  Result<> AddId(const Parameters& parameters, std::string_view parameter, std::string_view column);
  /// Rows behind `cursor` in the order of these two columns.
  void AddBehind(const Cursor& cursor, bool descending, std::string_view first,
                 std::string_view second);
  /// "TRUE AND …"
  std::string Sql() const;
  const std::vector<store::Value>& values() const { return values_; }

 private:
  std::vector<store::Value> values_;
  std::vector<std::string> conditions_;
};

/// Where a page ended: the last row's place in the order, which is of two numbers.
struct Cursor {
  std::int64_t first = 0, second = 0;
  std::string Text() const;
  /// Nothing: the first page. Fails: kInvalidArgument.
  static Result<std::optional<Cursor>> Of(const Parameters& parameters);
};

/// What a list that is held in memory is asked for: which page, which host and span, and what else
/// must hold.
struct ListRequest {
  std::int64_t limit = 0;
  std::optional<Cursor> cursor;  ///< nothing: the first page
  std::optional<std::int64_t> host_id, from_wall_ns, until_wall_ns;
  std::vector<Condition> conditions;

  /// `members`: the fields that `where` knows, and the member of a row that each is held against.
  /// Fails: kInvalidArgument (an unknown field, or a parameter that is none).
  static Result<ListRequest> Of(const Parameters& parameters,
                                const std::map<std::string, std::string, std::less<>>& members);
  /// Whether all `where` hold of a row. What it does not tell is like nothing.
  bool Holds(const std::map<std::string, std::string, std::less<>>& members, const Json& row) const;
};

/// "order": whether the last come first. Fails: kInvalidArgument.
Result<bool> IsDescending(const Parameters& parameters);

/// The first `limit` of `rows`, which were asked for with one more, as a page: its next_cursor is
/// the place of the last by these two columns. "total" is left null.
Json PageOf(Json rows, std::int64_t limit, const char* first, const char* second);

inline constexpr std::int64_t kRowsMax = 5000;
inline constexpr std::int64_t kRowsUsual = 200;

}  // namespace spoor::api
