// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "store/embedded_sql.hpp"
#include "store/sql_check.hpp"
#include "store/store.hpp"

namespace spoor::store {
namespace {

using testing::HasSubstr;

std::unique_ptr<Connection> Connect() {
  return std::move(*Connection::Open(*Database::Open()));
}

KnownNames Known() {
  return {.tables = {"event", "process"}, .macros = {"children"}};
}

TEST(SqlCheck, AllowsWhatComputesAndNothingElse) {
  const auto connection = Connect();
  for (const char* const good :
       {"SELECT count(*) FROM event", "FROM children(7)", "WITH a AS (SELECT 1) FROM a",
        "SELECT children(1)", "EXPLAIN ANALYZE SELECT 1", "DESCRIBE event", "SHOW TABLES",
        "SELECT x FROM (VALUES (1)) AS t(x), range(3), unnest([1])", "FROM segment.event"}) {
    const auto checked = CheckQuery(*connection, good, Known());
    EXPECT_TRUE(checked) << good << ": " << checked.error().message;
  }
  for (const char* const bad :
       {"SELECT getenv('HOME')", "FROM read_csv('x')", "FROM 'x.parquet'", "FROM unknown",
        "SELECT 1; SELECT 2", "SET threads = 1", "FROM other.event", "EXPLAIN FROM glob('*')",
        "WITH \"a.csv\" AS (SELECT 1) FROM \"a.csv\"", "SELECT sum(current_setting('x')) OVER ()",
        "SELECT (SELECT [x FOR x IN [current_query()]])", "SHOW memory_limit", "", ";",
        "SELECT * FROM event WHERE kind IN (FROM duckdb_settings())", "CALL enable_logging()"}) {
    const auto checked = CheckQuery(*connection, bad, Known());
    ASSERT_FALSE(checked) << bad;
    EXPECT_EQ(checked.error().code, ErrorCode::kInvalidArgument) << bad;
  }
}

TEST(SqlCheck, LooksIntoDefinitionsAndTheirDefaults) {
  const auto connection = Connect();
  for (const char* const good :
       {"CREATE OR REPLACE MACRO f(a, \"b\" := NULL) AS TABLE FROM event WHERE pid = a;",
        "-- a comment\nCREATE MACRO g(a) AS a + 1 -- another (\n;", "CREATE VIEW v AS FROM process",
        "CREATE OR REPLACE MACRO h(a := ')') AS (SELECT a)"}) {
    KnownNames known = Known();
    const auto checked = CheckDefinition(*connection, good, known);
    EXPECT_TRUE(checked) << good << ": " << checked.error().message;
    EXPECT_EQ(known.tables.size() + known.macros.size(), 4U) << good;
  }
  for (const char* const bad :
       {"CREATE MACRO f(a := getenv('x')) AS a", "CREATE MACRO f() AS TABLE FROM read_csv('x')",
        "CREATE MACRO f(a) AS getenv(a)", "CREATE VIEW v AS FROM duckdb_settings()",
        "CREATE VIEW v AS FROM process; CREATE VIEW w AS FROM duckdb_settings()",
        "CREATE MACRO f(a) AS (1), (b, c) AS getenv(b)",
        "CREATE MACRO f(a) AS (1), (b) AS TABLE FROM duckdb_settings()", "CREATE TABLE t (a INT)",
        "SELECT 1", "CREATE MACRO f(a := ('\"')) AS a, (b) AS (\"'))", "CREATE MACRO f(",
        "CREATE MACRO", "CREATE MACRO f(a := $$)$$, b := getenv('x')) AS a",
        "CREATE MACRO f(a) AS /*", "CREATE"}) {
    KnownNames known = Known();
    EXPECT_FALSE(CheckDefinition(*connection, bad, known)) << bad;
  }
}

TEST(SqlCheck, AllowsOnlyFunctionsThatThisDuckDbHas) {
  const auto connection = Connect();
  const auto names = connection->RunForText(
      "SELECT string_agg(DISTINCT function_name, chr(10)) FROM duckdb_functions()");
  ASSERT_TRUE(names) << names.error().message;
  std::istringstream there{names->value_or("")};
  std::set<std::string> known;
  for (std::string name; there >> name;) known.insert(name);
  for (const char* const list : {kSqlFunctions, kSqlTableFunctions}) {
    std::istringstream allowed{list};
    for (std::string name; allowed >> name;) EXPECT_TRUE(known.contains(name)) << name;
  }
}

}  // namespace
}  // namespace spoor::store
