// SPDX-License-Identifier: Apache-2.0
// arg_min and arg_max pass over rows where their first argument is NULL. Columns are qualified: an
// unqualified name would be taken for a parameter of that name of a macro that uses the view.
#include "store/table_sql.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "base/check.hpp"
#include "schema/tables.hpp"
#include "store/embedded_sql.hpp"

namespace spoor::store {
namespace {

using schema::ColumnDescription;
using schema::Merge;
using schema::SortOrder;
using schema::TableDescription;

/// Tables that joins.sql makes out of what was told.
bool IsJoined(std::string_view table) {
  return table == "flow" || table == "flow_process" || table == "alert" || table == "clock_offset";
}

std::string ViewName(std::string_view table) {
  return IsJoined(table) ? fmt::format("_{}_seen", table) : std::string(table);
}

std::string CreateTable(std::string_view name, const TableDescription& table, bool of_segments) {
  std::string columns;
  for (const ColumnDescription& column : table.columns) {
    if (column.merge == Merge::kRevision && !of_segments) continue;
    columns += fmt::format("{}{} {}{}", columns.empty() ? "" : ", ", column.name, column.sql_type,
                           column.nullable ? "" : " NOT NULL");
  }
  return fmt::format("CREATE TABLE {} ({});\n", name, columns);
}

std::string Merged(const ColumnDescription& column) {
  const auto call = [&](std::string_view function) {
    return fmt::format("{0}(s.{1}) AS {1}", function, column.name);
  };
  const auto by_revision = [&](std::string_view function) {
    return fmt::format("{0}(s.{1}, s.revision) AS {1}", function, column.name);
  };
  switch (column.merge) {
    case Merge::kRow:
    case Merge::kKey:
      return fmt::format("s.{}", column.name);
    case Merge::kAny:
      return call("any_value");
    case Merge::kMin:
      return call("min");
    case Merge::kMax:
      return call("max");
    case Merge::kFirst:
      return by_revision("arg_min");
    case Merge::kLatest:
      return by_revision("arg_max");
    case Merge::kTotal:
      return fmt::format(
          "CASE WHEN any_value(s.observer) = 'sensor' THEN _bigint(sum(s.{0})) ELSE max(s.{0}) END "
          "AS {0}",
          column.name);
    case Merge::kAnd:
      return call("bool_and");
    case Merge::kRevision:
      break;
  }
  SPOOR_CHECK(false) << column.name << " is in segments only";
  return "";
}

std::string CreateMergedView(const TableDescription& table) {
  std::string columns;
  std::string keys;
  for (const ColumnDescription& column : table.columns) {
    if (column.merge == Merge::kRevision) continue;
    columns += (columns.empty() ? "" : ", ") + Merged(column);
    if (column.merge == Merge::kKey) {
      keys += fmt::format("{}s.{}", keys.empty() ? "" : ", ", column.name);
    }
  }
  return fmt::format("CREATE VIEW {3} AS SELECT {1} FROM segment.{0} AS s GROUP BY {2};\n",
                     table.name, columns, keys, ViewName(table.name));
}

}  // namespace

std::string TablesSql() {
  std::string sql;
  for (const TableDescription& table : schema::Tables()) {
    sql += CreateTable(table.name, table, false);
    if (IsJoined(table.name)) {
      sql += fmt::format("CREATE VIEW {} AS FROM {};\n", ViewName(table.name), table.name);
    }
  }
  return sql;
}

std::string SegmentTablesSql() {
  std::string sql;
  for (const TableDescription& table : schema::Tables()) {
    for (const SortOrder& order : table.sort_orders) sql += CreateTable(order.table, table, true);
  }
  return sql;
}

std::string ViewsSql() {
  std::string sql;
  for (const TableDescription& table : schema::Tables()) {
    if (table.is_merged()) {
      sql += CreateMergedView(table);
      continue;
    }
    for (const SortOrder& order : table.sort_orders) {
      sql +=
          fmt::format("CREATE VIEW {1} AS FROM segment.{0};\n", order.table, ViewName(order.table));
    }
  }
  return sql;
}

std::vector<NamedView> JoinViews() {
  constexpr std::string_view kBegin = "CREATE VIEW ";
  std::vector<NamedView> views;
  const std::string_view all = kJoinsSql;
  for (std::size_t begin = all.find(kBegin); begin != all.npos;) {
    const std::size_t next = all.find(kBegin, begin + 1);
    const std::string_view sql = all.substr(begin, next == all.npos ? next : next - begin);
    const std::string_view from_name = sql.substr(kBegin.size());
    views.push_back({from_name.substr(0, from_name.find(' ')), sql});
    begin = next;
  }
  return views;
}

std::span<const std::string_view> CostlyJoins() {
  static constexpr std::array<std::string_view, 4> kViews{"_clock_pair", "_clock_correction",
                                                          "_connection", "_flow_process_joined"};
  return kViews;
}

}  // namespace spoor::store
