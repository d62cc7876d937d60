// SPDX-License-Identifier: Apache-2.0
#include "store/duckdb_adapter.hpp"
#include "store/store.hpp"

namespace spoor::store {

Result<std::shared_ptr<Database>> Database::Open() {
  std::shared_ptr<Database> database(new Database());
  duckdb_config config = nullptr;
  // Runtime filters of joins are pushed into scans before their Bloom filter is built: rows are
  // lost or the program crashes (duckdb/duckdb#22075, seen here with 1.5.6 on about one question in
  // ten).
  const bool opened =
      duckdb_create_config(&config) == DuckDBSuccess &&
      duckdb_set_config(config, "disabled_optimizers", "join_filter_pushdown") == DuckDBSuccess &&
      duckdb_open_ext(nullptr, &database->database_, config, nullptr) == DuckDBSuccess;
  duckdb_destroy_config(&config);
  if (!opened) return Fail(ErrorCode::kUnavailable, "DuckDB: cannot open a database in memory");
  return database;
}

Database::~Database() {
  duckdb_close(&database_);
}

Result<std::unique_ptr<Connection>> Connection::Open(std::shared_ptr<Database> database) {
  std::unique_ptr<Connection> connection(new Connection());
  connection->database_ = std::move(database);
  if (duckdb_connect(connection->database_->get(), &connection->connection_) == DuckDBError) {
    return Fail(ErrorCode::kUnavailable, "DuckDB: cannot connect to the database in memory");
  }
  return connection;
}

Connection::~Connection() {
  duckdb_disconnect(&connection_);
}

Result<> Connection::Run(const std::string& sql) {
  duckdb_result result;
  const bool failed = duckdb_query(connection_, sql.c_str(), &result) == DuckDBError;
  Error error{};
  if (failed) error = ErrorOf(duckdb_result_error_type(&result), duckdb_result_error(&result));
  duckdb_destroy_result(&result);
  if (failed) return tl::unexpected<Error>(std::move(error));
  return {};
}

Result<> Connection::RunOne(const std::string& sql) {
  duckdb_extracted_statements statements = nullptr;
  const idx_t count = duckdb_extract_statements(connection_, sql.c_str(), &statements);
  duckdb_destroy_extracted(&statements);
  if (count > 1) {
    return Fail(ErrorCode::kInvalidArgument, "{} statements where one is expected", count);
  }
  return Run(sql);
}

Result<std::int64_t> Connection::RunForInteger(const std::string& sql) {
  duckdb_result result;
  if (duckdb_query(connection_, sql.c_str(), &result) == DuckDBError) {
    Error error = ErrorOf(duckdb_result_error_type(&result), duckdb_result_error(&result));
    duckdb_destroy_result(&result);
    return tl::unexpected<Error>(std::move(error));
  }
  duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
  const bool empty = chunk == nullptr || duckdb_data_chunk_get_size(chunk) == 0;
  std::int64_t value = 0;
  if (!empty) {
    value =
        *static_cast<std::int64_t*>(duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0)));
  }
  if (chunk != nullptr) duckdb_destroy_data_chunk(&chunk);
  duckdb_destroy_result(&result);
  if (empty) return Fail(ErrorCode::kNotFound, "no row");
  return value;
}

Result<std::optional<std::string>> Connection::RunForText(const std::string& sql) {
  duckdb_result result;
  if (duckdb_query(connection_, sql.c_str(), &result) == DuckDBError) {
    Error error = ErrorOf(duckdb_result_error_type(&result), duckdb_result_error(&result));
    duckdb_destroy_result(&result);
    return tl::unexpected<Error>(std::move(error));
  }
  std::optional<std::string> text;
  duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
  if (chunk != nullptr && duckdb_data_chunk_get_size(chunk) > 0) {
    duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, 0);
    std::uint64_t* const validity = duckdb_vector_get_validity(vector);
    if (validity == nullptr || duckdb_validity_row_is_valid(validity, 0)) {
      duckdb_string_t* const value = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector));
      text.emplace(duckdb_string_t_data(value), duckdb_string_t_length(*value));
    }
  }
  if (chunk != nullptr) duckdb_destroy_data_chunk(&chunk);
  duckdb_destroy_result(&result);
  return text;
}

Error ErrorOf(duckdb_error_type type, const char* message) {
  std::string text = message == nullptr ? "unknown error" : message;
  // What follows an empty line quotes the query and points into it.
  text.resize(std::min(text.size(), text.find("\n\n")));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  if (type == DUCKDB_ERROR_INTERRUPT || text.starts_with("INTERRUPT")) {
    return {ErrorCode::kUnavailable, "interrupted"};
  }
  ErrorCode code = ErrorCode::kInvalidArgument;
  if (type == DUCKDB_ERROR_OUT_OF_MEMORY) code = ErrorCode::kUnavailable;
  if (type == DUCKDB_ERROR_IO || text.starts_with("IO Error")) code = ErrorCode::kIo;
  return {code, std::move(text)};
}

std::string Quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    quoted += c;
    if (c == '\'') quoted += c;
  }
  return quoted + '\'';
}

}  // namespace spoor::store
