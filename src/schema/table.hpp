// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "schema/column.hpp"

namespace spoor::schema {

/// One order in which segments hold the rows of a table.
struct SortOrder {
  std::string_view table;    ///< the folder, and the view: the table's own name, or another one
  std::string_view columns;  ///< of ORDER BY
};

/// How segments of a table are cut.
enum class Split : std::uint8_t {
  kFlush,       ///< one for each flush
  kHostAndDay,  ///< by host_id and UTC day of wall_ns
};

/// The declaration of a table, specialised for each row struct beside it:
///   kName, kMeaning, kSplit, kSortOrders (an array of SortOrder), kColumns (a tuple of Column in
///   the order of the table).
template <typename Row>
struct Declaration;

/// A cell of whichever type is asked for: counts the members of a row struct.
struct AnyCell {
  template <typename T>
  requires requires { T::kNullable; }
  operator T() const;
};
/// How many members a row struct has: the one number of cells that it can be made of.
template <typename Row, typename... Cells>
constexpr std::size_t MemberCount() {
  constexpr std::size_t kMembersMax = 64;
  if constexpr (requires { Row{Cells{}...}; }) {
    return sizeof...(Cells);
  } else {
    static_assert(sizeof...(Cells) < kMembersMax);
    return MemberCount<Row, Cells..., AnyCell>();
  }
}

struct ColumnDescription {
  std::string_view name;
  std::string_view sql_type;
  bool nullable;
  Measure measure;
  Merge merge;
  std::string_view meaning;
};

/// A declaration as data.
struct TableDescription {
  std::string_view name;
  std::string_view meaning;
  Split split;
  std::vector<SortOrder> sort_orders;  ///< the first is the table's own
  std::vector<ColumnDescription> columns;

  /// Whether several rows may be of one thing.
  bool is_merged() const;
};

template <typename Row>
TableDescription Describe() {
  using Table = Declaration<Row>;
  static_assert(std::tuple_size_v<decltype(Table::kColumns)> == MemberCount<Row>(),
                "a member of the row struct is not declared as a column");
  TableDescription table{Table::kName,
                         Table::kMeaning,
                         Table::kSplit,
                         {Table::kSortOrders.begin(), Table::kSortOrders.end()},
                         {}};
  std::apply(
      [&]<typename... Columns>(const Columns&... columns) {
        (table.columns.push_back({NameOfMember<Columns::kPlace>(),
                                  SqlTypeOf<typename decltype(CellOf(Columns::kPlace))::Type>(),
                                  decltype(CellOf(Columns::kPlace))::kNullable, columns.measure,
                                  columns.merge, columns.meaning}),
         ...);
      },
      Table::kColumns);
  return table;
}

}  // namespace spoor::schema
