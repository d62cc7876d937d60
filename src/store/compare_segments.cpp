// SPDX-License-Identifier: Apache-2.0
#include "store/compare_segments.hpp"

#include "base/visible_text.hpp"
#include "store/duckdb_adapter.hpp"
#include "store/quoted_path.hpp"
#include "store/store.hpp"

namespace spoor::store {
namespace {

constexpr std::size_t kQuotedCharactersMax = 400;

/// Names and types in their order: EXCEPT compares by position and would not miss a renamed one.
std::string ColumnsOf(const std::string& file) {
  return fmt::format(
      "SELECT string_agg(column_name || ' ' || column_type, ', ') FROM (DESCRIBE FROM {})", file);
}

std::string FilesAsTable(const std::vector<std::filesystem::path>& files) {
  std::string list;
  for (const std::filesystem::path& file : files) {
    list += (list.empty() ? "" : ", ") + QuotedPath(file);
  }
  return fmt::format("read_parquet([{}])", list);
}

/// The first row, in some order, that is more often in `one` than in `other`.
Result<std::optional<std::string>> FirstRowOnlyIn(Connection& connection, const std::string& one,
                                                  const std::string& other) {
  return connection.RunForText(
      fmt::format("SELECT r::VARCHAR FROM (FROM {} EXCEPT ALL FROM {}) AS r LIMIT 1", one, other));
}

}  // namespace

Result<std::optional<std::string>> CompareSegments(const SegmentsToCompare& files) {
  ASSIGN_OR_RETURN(const std::shared_ptr<Database> database, Database::Open());
  ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection, Connection::Open(database));
  RETURN_IF_ERROR(connection->Run(
      fmt::format("SET autoinstall_known_extensions = false; SET memory_limit = '512MB'; "
                  "SET temp_directory = {}",
                  QuotedPath(files.scratch))));
  const std::string stored = FilesAsTable(files.stored);
  const std::string derived = FilesAsTable(files.derived);
  const auto stored_columns = connection->RunForText(ColumnsOf(stored));
  if (!stored_columns) return "cannot be read: " + stored_columns.error().message;
  ASSIGN_OR_RETURN(const std::optional<std::string> columns,
                   connection->RunForText(ColumnsOf(derived)));
  if (*stored_columns != columns) {
    return fmt::format("has the columns {} instead of {}",
                       VisibleText(stored_columns->value_or("none"), kQuotedCharactersMax),
                       columns.value_or("none"));
  }
  const auto quoted = [](const std::string& row) { return VisibleText(row, kQuotedCharactersMax); };
  auto extra = FirstRowOnlyIn(*connection, stored, derived);
  if (!extra && extra.error().code == ErrorCode::kInvalidArgument) {
    return "cannot be read: " + extra.error().message;
  }
  if (!extra) return tl::unexpected<Error>(extra.error());
  ASSIGN_OR_RETURN(const auto lacking, FirstRowOnlyIn(*connection, derived, stored));
  if (*extra && lacking) {
    return fmt::format("has the row {} where the evidence gives {}", quoted(**extra),
                       quoted(*lacking));
  }
  if (*extra) return "has a row that the evidence does not give: " + quoted(**extra);
  if (lacking) return "lacks a row that the evidence gives: " + quoted(*lacking);
  return std::nullopt;
}

}  // namespace spoor::store
