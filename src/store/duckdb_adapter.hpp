// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <duckdb.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

/// DuckDB's C API with owners and Results: the only way this folder talks to it.
namespace spoor::store {

/// An in-memory database; connections hold it alive.
class Database {
 public:
  /// Fails: kUnavailable (out of memory and the like).
  static Result<std::shared_ptr<Database>> Open();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();
  duckdb_database get() const { return database_; }

 private:
  Database() = default;
  duckdb_database database_ = nullptr;
};

/// One connection. Not thread-safe, except Interrupt and Progress.
class Connection {
 public:
  static Result<std::unique_ptr<Connection>> Open(std::shared_ptr<Database> database);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();
  duckdb_connection get() const { return connection_; }

  /// Runs statements for their effect. Fails: as ErrorOf says.
  Result<> Run(const std::string& sql);
  /// As Run, and refuses more than one statement with kInvalidArgument.
  Result<> RunOne(const std::string& sql);
  /// The one integer that `sql` answers with. Fails also when it answers with nothing.
  Result<std::int64_t> RunForInteger(const std::string& sql);
  /// The one text (VARCHAR) that `sql` answers with; nothing when it answers with no row or NULL.
  Result<std::optional<std::string>> RunForText(const std::string& sql);
  void Interrupt() { duckdb_interrupt(connection_); }
  /// 0..1 of the running query, negative where DuckDB does not know.
  double Progress() { return duckdb_query_progress(connection_).percentage / 100; }

 private:
  Connection() = default;
  std::shared_ptr<Database> database_;
  duckdb_connection connection_ = nullptr;
};

/// DuckDB's message as our error: one line, without the quoted SQL. kIo for what the system
/// refused, kUnavailable for an interrupt or missing memory, kInvalidArgument for everything else.
Error ErrorOf(duckdb_error_type type, const char* message);

}  // namespace spoor::store
