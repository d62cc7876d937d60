// SPDX-License-Identifier: Apache-2.0
#include "schema/tables.hpp"

#include <algorithm>

namespace spoor::schema {

bool TableDescription::is_merged() const {
  return std::any_of(columns.begin(), columns.end(),
                     [](const ColumnDescription& column) { return column.merge == Merge::kKey; });
}

const std::vector<TableDescription>& Tables() {
  static const std::vector<TableDescription> tables = AllRows::DescribeAll();
  return tables;
}

bool IsSegmentFolder(std::string_view name) {
  return std::ranges::any_of(Tables(), [&](const TableDescription& table) {
    return std::ranges::find(table.sort_orders, name, &SortOrder::table) != table.sort_orders.end();
  });
}

}  // namespace spoor::schema
