// SPDX-License-Identifier: Apache-2.0
// Each query has its own connection, so that readers can be open side by side; the views and macros
// live in the database that the connections share.
#include <algorithm>
#include <cctype>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

#include "base/scratch_folder.hpp"
#include "base/visible_text.hpp"
#include "store/catalog.hpp"
#include "store/duckdb_adapter.hpp"
#include "store/embedded_sql.hpp"
#include "store/quoted_path.hpp"
#include "store/rows_adapter.hpp"
#include "store/sql_check.hpp"
#include "store/store.hpp"
#include "store/table_sql.hpp"

namespace spoor::store {
namespace {

constexpr std::size_t kColumnsShownMax = 400;

Result<> AddNames(Connection& connection, const std::string& query,
                  std::set<std::string, std::less<>>& known) {
  ASSIGN_OR_RETURN(const std::optional<std::string> names, connection.RunForText(query));
  std::istringstream words(names.value_or(""));
  for (std::string word; words >> word;) known.insert(word);
  return {};
}

/// Adds the views and macros that `sql`, of our own, creates. To ask DuckDB would take as long as
/// all else that opening a small store does.
void AddCreated(std::string_view sql, KnownNames& known) {
  for (const std::string_view begin : {"CREATE VIEW ", "CREATE MACRO "}) {
    for (std::size_t at = sql.find(begin); at != sql.npos; at = sql.find(begin, at + 1)) {
      const std::string_view rest = sql.substr(at + begin.size());
      (begin == "CREATE VIEW " ? known.tables : known.macros)
          .emplace(rest.substr(0, rest.find_first_of(" (")));
    }
  }
}

/// What this store in memory defines itself: tables, views and macros.
Result<KnownNames> NamesOf(Connection& connection) {
  KnownNames known;
  RETURN_IF_ERROR(AddNames(
      connection, "SELECT string_agg(DISTINCT table_name, ' ') FROM information_schema.tables",
      known.tables));
  RETURN_IF_ERROR(AddNames(connection,
                           "SELECT string_agg(DISTINCT lower(function_name), ' ') FROM "
                           "duckdb_functions() WHERE NOT internal",
                           known.macros));
  return known;
}

std::string ColumnsOf(std::string_view table) {
  return fmt::format(
      "SELECT string_agg(column_name || ' ' || column_type, ', ') FROM (DESCRIBE FROM {})", table);
}

/// Fails with kCorrupt when `from`, segments of `table`, has other columns than `wanted`.
Result<> CheckColumns(Connection& connection, std::string_view table, std::string_view from,
                      const std::string& wanted) {
  ASSIGN_OR_RETURN(const std::optional<std::string> found, connection.RunForText(ColumnsOf(from)));
  if (found == wanted) return {};
  return Fail(ErrorCode::kCorrupt,
              "segments of table {}: have the columns {} instead of {}; they are derived data: "
              "`spoor rebuild` makes them again from the evidence",
              table, VisibleText(found.value_or(""), kColumnsShownMax), wanted);
}

/// Whether DuckDB says it of a file that it reads, which no query is to blame for.
bool IsAboutFile(const Error& error) {
  return error.code == ErrorCode::kIo || error.message.starts_with("Invalid Error: ") ||
         (error.message.starts_with("Invalid Input Error: ") &&
          error.message.find("arquet") != std::string::npos);
}

Error BrokenSegment(const Error& error) {
  return {ErrorCode::kCorrupt,
          fmt::format("a segment cannot be read: {}; it is derived data: `spoor rebuild` makes it "
                      "again from the evidence",
                      error.message)};
}

class DuckStore : public Store {
 public:
  struct Parts {
    std::optional<ScratchFolder> spill;  ///< goes after the database
    std::shared_ptr<Database> database;
    KnownNames known;
    ShownSegments shown;
    bool in_memory = false;
    std::map<std::string, std::string> columns;  ///< that the segments of a table must have
    std::map<std::string, std::string, std::less<>> files;  ///< by table, as an SQL list
    std::uint64_t memory_bytes_max = 0;
  };
  explicit DuckStore(Parts parts) : parts_(std::move(parts)) {}

  Result<std::unique_ptr<RowReader>> Sql(std::string_view query) override { return Sql(query, {}); }

  Result<std::unique_ptr<RowReader>> Sql(std::string_view query,
                                         const std::vector<Value>& parameters) override {
    ASSIGN_OR_RETURN(std::shared_ptr<Connection> connection, Connection::Open(parts_.database));
    RETURN_IF_ERROR(CheckQuery(*connection, query, parts_.known));
    RETURN_IF_ERROR(DefineNamed(*connection, query));
    LetInterrupt(connection);
    return StartQuery(std::move(connection), query, parameters,
                      [this](Error error) { return Explain(std::move(error)); });
  }

  Result<> Define(std::string_view sql) override {
    ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection,
                     Connection::Open(parts_.database));
    RETURN_IF_ERROR(CheckDefinition(*connection, sql, parts_.known));
    RETURN_IF_ERROR(DefineNamed(*connection, sql));
    return connection->RunOne(std::string(sql));
  }

  void DefineOwn(std::string_view name, bool is_view, std::string_view sql) override {
    (is_view ? parts_.known.tables : parts_.known.macros).emplace(name);
    own_.emplace(name, sql);
  }

  Result<> Keep(std::span<const std::string_view> names) override {
    ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection,
                     Connection::Open(parts_.database));
    // Only the answering may be interrupted: a view that is lost half-way would be missed.
    ASSIGN_OR_RETURN(const std::shared_ptr<Connection> answering,
                     Connection::Open(parts_.database));
    LetInterrupt(answering);
    for (const std::string_view name : names) {
      if (kept_.contains(name)) continue;
      RETURN_IF_ERROR(DefineNamed(*connection, name));
      // Views and macros name what they read, and so find the table in the view's place.
      const auto filled =
          answering->RunOne(fmt::format("CREATE TABLE kept AS SELECT * FROM {}", name));
      if (!filled) return tl::unexpected<Error>(Explain(filled.error()));
      RETURN_IF_ERROR(connection->RunOne(fmt::format("DROP VIEW {}", name)));
      RETURN_IF_ERROR(connection->RunOne(fmt::format("ALTER TABLE kept RENAME TO {}", name)));
      kept_.emplace(name);
    }
    return {};
  }

  const ShownSegments* Shown() const override { return parts_.in_memory ? nullptr : &parts_.shown; }

  Result<> Narrow(std::string_view table, std::string_view column,
                  const std::vector<Value>& values) override {
    const auto files = parts_.files.find(table);
    if (files == parts_.files.end()) return {};
    std::string list;
    for (const Value& value : values) {
      const auto* const text = std::get_if<std::string>(&value);
      list += list.empty() ? "" : ", ";
      list += text != nullptr ? Quoted(*text) : std::to_string(std::get<std::int64_t>(value));
    }
    narrowed_.emplace(table);
    // As literals: only what is known when a query is planned keeps row groups from being read.
    return ShowRows(*files, list.empty() ? " WHERE FALSE"
                                         : fmt::format(" AS s WHERE s.{} IN ({})", column, list));
  }

  Result<> Widen() override {
    for (const std::string& table : std::exchange(narrowed_, {})) {
      RETURN_IF_ERROR(ShowRows(*parts_.files.find(table), ""));
    }
    return {};
  }

  void Interrupt(std::string_view reason) override {
    {
      const std::scoped_lock lock(mutex_);
      interrupted_because_ = reason;
    }
    ForEachRunning([](Connection& connection) { connection.Interrupt(); });
  }

  double Progress() override {
    double progress = -1;
    ForEachRunning(
        [&](Connection& connection) { progress = std::max(progress, connection.Progress()); });
    return progress;
  }

 private:
  Result<> ShowRows(const std::pair<const std::string, std::string>& files,
                    const std::string& condition) {
    ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection,
                     Connection::Open(parts_.database));
    const auto shown = connection->Run(
        fmt::format("CREATE OR REPLACE VIEW segment.{} AS FROM read_parquet([{}]){}", files.first,
                    files.second, condition));
    return shown ? Result<>() : tl::unexpected<Error>(Explain(shown.error()));
  }

  /// Runs the definitions of our own that `sql` names, those first that they name.
  Result<> DefineNamed(Connection& connection, std::string_view sql) {
    static constexpr std::string_view kOfNames =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    for (std::size_t begin = 0; (begin = sql.find_first_of(kOfNames, begin)) != sql.npos;) {
      const std::size_t end = std::min(sql.find_first_not_of(kOfNames, begin), sql.size());
      std::string name(sql.substr(begin, end - begin));
      begin = end;
      std::ranges::transform(name, name.begin(),
                             [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      // Who asks what there is gets to see all.
      if (name == "show" || name == "information_schema") {
        while (!own_.empty()) RETURN_IF_ERROR(DefineOne(connection, own_.begin()->first));
      }
      RETURN_IF_ERROR(DefineOne(connection, name));
    }
    return {};
  }

  Result<> DefineOne(Connection& connection, const std::string& name) {
    auto own = own_.extract(name);
    if (own.empty()) return {};
    // Its comments name what it does not read, and who reads it.
    std::istringstream lines(own.mapped());
    for (std::string line; std::getline(lines, line);) {
      RETURN_IF_ERROR(DefineNamed(connection, line.substr(0, line.find("--"))));
    }
    return connection.RunOne(own.mapped());
  }

  /// From now on Interrupt ends what `connection` is at, and Progress tells of it.
  void LetInterrupt(const std::shared_ptr<Connection>& connection) {
    const std::scoped_lock lock(mutex_);
    std::erase_if(running_, [](const auto& weak) { return weak.expired(); });
    running_.push_back(connection);
    interrupted_because_ = "interrupted";
  }

  template <typename Visit>
  void ForEachRunning(Visit&& visit) {
    const std::scoped_lock lock(mutex_);
    for (const std::weak_ptr<Connection>& weak : running_) {
      if (const std::shared_ptr<Connection> connection = weak.lock()) visit(*connection);
    }
  }

  /// DuckDB cannot tell a broken segment from a broken query: when something failed, see whether
  /// the segments are what they must be.
  Error Explain(Error error) {
    if (error.code == ErrorCode::kUnavailable) return ExplainLimit(std::move(error));
    const bool about_files = IsAboutFile(error);
    for (const Segment& segment : parts_.shown.segments) {
      if (auto checked = CheckSegment(parts_.shown.layout, segment, about_files); !checked) {
        return checked.error();
      }
    }
    if (!about_files || parts_.shown.segments.empty()) return error;
    // They are what the catalog says: it was made to say so.
    const auto checked = CheckAllColumns();
    return checked || checked.error().code != ErrorCode::kCorrupt ? BrokenSegment(error)
                                                                  : checked.error();
  }

  /// When the store was opened only one segment of each table was asked for its columns.
  Result<> CheckAllColumns() {
    ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection,
                     Connection::Open(parts_.database));
    for (const Segment& segment : parts_.shown.segments) {
      const std::string file = QuotedPath(parts_.shown.layout.segments() / segment.file);
      RETURN_IF_ERROR(CheckColumns(*connection, segment.table,
                                   fmt::format("read_parquet([{}])", file),
                                   parts_.columns[segment.table]));
    }
    return {};
  }

  /// Says why it was interrupted, or which limit on memory it met.
  Error ExplainLimit(Error error) {
    if (std::string_view(error.message) == "interrupted") {
      const std::scoped_lock lock(mutex_);
      error.message = interrupted_because_;
    } else if (parts_.memory_bytes_max != 0) {
      error.message = fmt::format("needs more memory than the limit of {} bytes: {}",
                                  parts_.memory_bytes_max, error.message);
    }
    return error;
  }

  Parts parts_;
  std::mutex mutex_;
  std::string interrupted_because_;
  std::vector<std::weak_ptr<Connection>> running_;
  /// Definitions of ours that no query named yet. Queries are asked from one thread at a time.
  std::map<std::string, std::string> own_;
  std::set<std::string, std::less<>> kept_;
  std::set<std::string, std::less<>> narrowed_;  ///< tables
};

/// From here on a query can read these files and nothing else, and write nothing.
Result<> Confine(Connection& connection, const std::string& files) {
  return connection.Run(fmt::format(
      "SET autoinstall_known_extensions = false; SET autoload_known_extensions = false; "
      "SET allowed_paths = [{}]; SET enable_external_access = false; "
      "SET lock_configuration = true;",
      files));
}

/// How much may be held at once, and where what is more goes.
Result<> LimitMemory(Connection& connection, const OpenStoreOptions& options,
                     std::optional<ScratchFolder>& spill) {
  if (options.memory_bytes_max != 0) {
    return connection.Run(
        fmt::format("SET temp_directory = ''; SET memory_limit = '{}B'", options.memory_bytes_max));
  }
  auto made = ScratchFolder::Make(ScratchFolder::FolderOnDisk(), "spill");
  if (made) spill.emplace(*std::move(made));
  // Where nothing may be written, nothing is spilled.
  return connection.Run(
      fmt::format("SET temp_directory = {}", spill ? QuotedPath(spill->path()) : "''"));
}

/// Puts the segments of `table` in the place of the empty table of that name, if the first has its
/// columns, which it gives. `table` is one of ours by now (catalog_check.hpp).
Result<std::string> ShowSegments(Connection& connection, const std::string& table,
                                 const std::string& files) {
  ASSIGN_OR_RETURN(const std::optional<std::string> wanted,
                   connection.RunForText(ColumnsOf(table)));
  RETURN_IF_ERROR(connection.Run(
      fmt::format("DROP TABLE {0}; CREATE VIEW {0} AS FROM read_parquet([{1}]);", table, files)));
  RETURN_IF_ERROR(CheckColumns(connection, table, table, wanted.value_or("")));
  return wanted.value_or("");
}

/// The store, with the views of joins.sql. `of_rows`: what they make more of are tables already.
std::unique_ptr<Store> WithJoins(DuckStore::Parts parts, bool of_rows) {
  auto store = std::make_unique<DuckStore>(std::move(parts));
  for (const NamedView& view : JoinViews()) {
    if (of_rows && !view.name.starts_with('_')) continue;
    store->DefineOwn(view.name, true, view.sql);
  }
  return store;
}

Result<std::unique_ptr<Store>> OpenThese(ShownSegments shown, const OpenStoreOptions& options) {
  const StoreLayout& layout = shown.layout;
  const std::vector<Segment>& segments = shown.segments;
  std::map<std::string, std::string, std::less<>> files;  // by table, as an SQL list
  std::string all_files;
  for (const Segment& segment : segments) {
    RETURN_IF_ERROR(CheckSegment(layout, segment, false));
    const std::string file = QuotedPath(layout.segments() / segment.file);
    for (std::string* const list : {&files[segment.table], &all_files}) {
      *list += (list->empty() ? "" : ", ") + file;
    }
  }

  DuckStore::Parts parts;
  ASSIGN_OR_RETURN(parts.database, Database::Open());
  ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection, Connection::Open(parts.database));
  RETURN_IF_ERROR(LimitMemory(*connection, options, parts.spill));
  // A question is several statements, and each reads the footers of the segments that it may need.
  RETURN_IF_ERROR(
      connection->Run("SET parquet_metadata_cache = true; CREATE SCHEMA segment; USE "
                      "segment;" +
                      SegmentTablesSql()));
  // Before a byte of a segment is read.
  RETURN_IF_ERROR(Confine(*connection, all_files));
  Result<> defined;
  for (const auto& [table, list] : files) {
    if (!defined) break;
    auto columns = ShowSegments(*connection, table, list);
    if (columns) {
      parts.columns[table] = *std::move(columns);
    } else {
      defined = tl::unexpected<Error>(columns.error());
    }
  }
  if (defined) {
    const std::string own = std::string(kArithmeticSql) + ViewsSql() + kLookupsSql;
    AddCreated(own, parts.known);
    defined = connection->Run("USE main;" + own);
  }
  if (!defined) {
    for (const Segment& segment : segments) {
      RETURN_IF_ERROR(CheckSegment(layout, segment, true));
    }
    return tl::unexpected<Error>(IsAboutFile(defined.error()) ? BrokenSegment(defined.error())
                                                              : defined.error());
  }
  parts.shown = std::move(shown);
  parts.files = std::move(files);
  parts.memory_bytes_max = options.memory_bytes_max;
  return WithJoins(std::move(parts), /*of_rows=*/false);
}

}  // namespace

Result<std::unique_ptr<Store>> OpenEmptyStore() {
  return OpenThese({}, {});
}

Result<std::unique_ptr<Store>> OpenStore(const std::string& folder,
                                         const OpenStoreOptions& options) {
  const StoreLayout layout{folder};
  auto held = HoldCatalog(layout);
  if (!held && held.error().code == ErrorCode::kNotFound) {
    return Fail(ErrorCode::kNotFound, "{}: no store there, or nothing ingested yet", folder);
  }
  if (!held) return tl::unexpected<Error>(held.error());
  return OpenStoreBy(layout, *std::move(held), options);
}

Result<std::unique_ptr<Store>> OpenStoreBy(const StoreLayout& layout, HeldCatalog held,
                                           const OpenStoreOptions& options) {
  if (held.catalog.schema_version != schema::kSchemaVersion) {
    return tl::unexpected<Error>(EarlierSchema(layout, held.catalog));
  }
  return OpenThese({.layout = {std::filesystem::absolute(layout.root)},
                    .segments = std::move(held.catalog.segments),
                    .hold = std::move(held.hold)},
                   options);
}

Result<std::unique_ptr<Store>> OpenSegments(const ShownSegments& shown,
                                            const OpenStoreOptions& options) {
  return OpenThese(shown, options);
}

Result<std::unique_ptr<Store>> OpenMemoryStore(const std::string& sql) {
  DuckStore::Parts parts;
  ASSIGN_OR_RETURN(parts.database, Database::Open());
  ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection, Connection::Open(parts.database));
  RETURN_IF_ERROR(connection->Run(TablesSql() + kArithmeticSql +
                                  "CREATE VIEW event_by_object AS FROM event;" + kLookupsSql +
                                  sql));
  parts.in_memory = true;
  RETURN_IF_ERROR(Confine(*connection, ""));
  ASSIGN_OR_RETURN(parts.known, NamesOf(*connection));
  return WithJoins(std::move(parts), /*of_rows=*/true);
}

}  // namespace spoor::store
