// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "store/duckdb_adapter.hpp"

/// What SQL of analysts and of proof bundles may do: a list of what is allowed, and nothing else.
/// One SELECT (or WITH, VALUES, FROM, DESCRIBE, SHOW TABLES, EXPLAIN of one) over the tables of the
/// store, with DuckDB's functions that compute from their arguments alone (sql_functions.txt,
/// sql_table_functions.txt) and the macros that were defined here. Nothing that reads files,
/// settings or the machine, runs SQL given as text, or changes how the database works.
namespace spoor::store {

/// What there is beside DuckDB's functions, in lower case.
struct KnownNames {
  std::set<std::string, std::less<>> tables;  ///< and views
  std::set<std::string, std::less<>> macros;  ///< scalar and table macros
};

/// Fails: kInvalidArgument, naming what is not allowed, or as the parser says.
Result<> CheckQuery(Connection& connection, std::string_view query, const KnownNames& known);

/// The same for `CREATE OR REPLACE VIEW name AS query` and MACRO name(…) AS [TABLE] …: one
/// statement of this form. Adds the name to `known` first, for macros that call themselves or come
/// in any order are found when they are asked.
Result<> CheckDefinition(Connection& connection, std::string_view sql, KnownNames& known);

}  // namespace spoor::store
