// SPDX-License-Identifier: Apache-2.0
// Each query has its own connection, so that readers can be open side by side; the views and macros
// live in the database that the connections share.
#include <algorithm>
#include <map>
#include <mutex>

#include "base/file.hpp"
#include "store/catalog.hpp"
#include "store/duckdb_adapter.hpp"
#include "store/embedded_sql.hpp"
#include "store/quoted_path.hpp"
#include "store/rows_adapter.hpp"
#include "store/store.hpp"

namespace spoor::store {
namespace {

class DuckStore : public Store {
 public:
  DuckStore(std::shared_ptr<Database> database, StoreLayout layout, std::vector<Segment> segments)
      : database_(std::move(database)),
        layout_(std::move(layout)),
        segments_(std::move(segments)) {}

  Result<std::unique_ptr<RowReader>> Sql(std::string_view query) override { return Sql(query, {}); }

  Result<std::unique_ptr<RowReader>> Sql(std::string_view query,
                                         const std::vector<Value>& parameters) override {
    ASSIGN_OR_RETURN(std::shared_ptr<Connection> connection, Connection::Open(database_));
    {
      const std::scoped_lock lock(mutex_);
      std::erase_if(running_, [](const auto& weak) { return weak.expired(); });
      running_.push_back(connection);
    }
    return StartQuery(std::move(connection), query, parameters,
                      [this](Error error) { return Explain(std::move(error)); });
  }

  Result<> Define(std::string_view sql) override {
    ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection, Connection::Open(database_));
    return connection->RunOne(std::string(sql));
  }

  void Interrupt() override {
    ForEachRunning([](Connection& connection) { connection.Interrupt(); });
  }

  double Progress() override {
    double progress = -1;
    ForEachRunning(
        [&](Connection& connection) { progress = std::max(progress, connection.Progress()); });
    return progress;
  }

 private:
  template <typename Visit>
  void ForEachRunning(Visit&& visit) {
    const std::scoped_lock lock(mutex_);
    for (const std::weak_ptr<Connection>& weak : running_) {
      if (const std::shared_ptr<Connection> connection = weak.lock()) visit(*connection);
    }
  }

  /// DuckDB cannot tell a broken segment from a broken query: when something failed, see whether
  /// the segments are what they must be.
  Error Explain(Error error) const {
    if (error.code == ErrorCode::kUnavailable) return error;
    const bool about_files = error.code == ErrorCode::kIo ||
                             error.message.find("arquet") != std::string::npos ||
                             error.message.find("ZSTD") != std::string::npos ||
                             error.message.find("hrift") != std::string::npos;
    for (const Segment& segment : segments_) {
      if (auto checked = CheckSegment(layout_, segment, about_files); !checked) {
        return checked.error();
      }
    }
    return error;
  }

  std::shared_ptr<Database> database_;
  StoreLayout layout_;
  std::vector<Segment> segments_;
  std::mutex mutex_;
  std::vector<std::weak_ptr<Connection>> running_;
};

/// From here on nothing outside the segments can be read or written by a query.
Result<> Confine(Connection& connection, const std::string& folder) {
  std::string sql = "SET autoinstall_known_extensions = false;";
  if (!folder.empty())
    sql += fmt::format("SET allowed_directories = [{}];",
                       QuotedPath(std::filesystem::path(folder) / ""));
  return connection.Run(sql + "SET enable_external_access = false; SET lock_configuration = true;");
}

}  // namespace

Result<std::unique_ptr<Store>> OpenStore(const std::string& folder) {
  StoreLayout layout{std::filesystem::absolute(folder)};
  auto catalog = LoadCatalog(layout);
  if (!catalog && catalog.error().code == ErrorCode::kNotFound) {
    return Fail(ErrorCode::kNotFound, "{}: no store there, or nothing ingested yet", folder);
  }
  if (!catalog) return tl::unexpected<Error>(catalog.error());
  std::map<std::string, std::string> files;  // by table, as an SQL list
  for (const Segment& segment : catalog->segments) {
    RETURN_IF_ERROR(CheckSegment(layout, segment, false));
    std::string& list = files[segment.table];
    list += (list.empty() ? "" : ", ") + QuotedPath(layout.segments() / segment.file);
  }

  ASSIGN_OR_RETURN(std::shared_ptr<Database> database, Database::Open());
  ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection, Connection::Open(database));
  RETURN_IF_ERROR(connection->Run(
      fmt::format("CREATE SCHEMA segment; USE segment; {} {}", kSchemaSql, kSegmentsSql)));
  std::string sql;
  for (const auto& [table, list] : files) {
    sql += fmt::format("DROP TABLE {0}; CREATE VIEW {0} AS FROM read_parquet([{1}]);", table, list);
  }
  auto defined = connection->Run(sql + "USE main;" + kArithmeticSql + kViewsSql + kLookupsSql);
  std::unique_ptr<DuckStore> store =
      std::make_unique<DuckStore>(database, layout, catalog->segments);
  if (!defined) {
    for (const Segment& segment : catalog->segments) {
      RETURN_IF_ERROR(CheckSegment(layout, segment, true));
    }
    return tl::unexpected<Error>(defined.error());
  }
  RETURN_IF_ERROR(Confine(*connection, layout.segments().string()));
  return store;
}

Result<std::unique_ptr<Store>> OpenMemoryStore(const std::string& sql) {
  ASSIGN_OR_RETURN(std::shared_ptr<Database> database, Database::Open());
  ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection, Connection::Open(database));
  RETURN_IF_ERROR(connection->Run(std::string(kSchemaSql) + kArithmeticSql +
                                  "CREATE VIEW event_by_object AS FROM event;" + kLookupsSql +
                                  sql));
  RETURN_IF_ERROR(Confine(*connection, ""));
  std::unique_ptr<DuckStore> store =
      std::make_unique<DuckStore>(database, StoreLayout{}, std::vector<Segment>());
  return store;
}

}  // namespace spoor::store
