// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The declarations of `schema` as SQL.
namespace spoor::store {

/// CREATE TABLE for each table as analysts see it.
std::string TablesSql();
/// CREATE TABLE for each kind of segment: with `revision`, and one table for each sort order.
std::string SegmentTablesSql();
/// CREATE VIEW for each table, over the tables of SegmentTablesSql in the schema "segment": rows
/// of one thing become one row. What joins.sql makes more of is called _TABLE_seen. Needs the
/// macros of arithmetic.sql.
std::string ViewsSql();

struct NamedView {
  std::string_view name, sql;
};
/// The views of joins.sql, each behind those it names. Live as long as the program.
std::vector<NamedView> JoinViews();
/// Those of them that cost all flows of a store, each behind those it reads: for who asks flows and
/// alerts again and again (Store::Keep). Live as long as the program.
std::span<const std::string_view> CostlyJoins();

}  // namespace spoor::store
