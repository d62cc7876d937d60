// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace spoor::store {

extern const char* const kArithmeticSql;  ///< arithmetic.sql: what does not overflow
extern const char* const kJoinsSql;       ///< joins.sql: several observers of one conversation
extern const char* const kLookupsSql;     ///< lookups.sql: what several stages ask

/// Names of DuckDB's functions that queries may call, between white space.
extern const char* const kSqlFunctions;       ///< sql_functions.txt: in expressions
extern const char* const kSqlTableFunctions;  ///< sql_table_functions.txt: behind FROM

}  // namespace spoor::store
