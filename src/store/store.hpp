// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/store_layout.hpp"
#include "store/held_catalog.hpp"

/// The rows an analyst can query, behind the one narrow interface that nothing else looks past.
/// Tables and columns: `schema/tables.hpp`.
namespace spoor::store {

/// NULL, boolean, integer, floating, text, bytes (BLOB), list of text. What SQL has beyond these
/// comes as text (timestamps, structs, UBIGINT above 2^63); DECIMAL and big HUGEINT come as
/// floating.
struct Bytes {
  std::string bytes;
  bool operator==(const Bytes&) const = default;
};
using Value = std::variant<std::monostate, bool, std::int64_t, double, std::string, Bytes,
                           std::vector<std::string>>;

struct Column {
  std::string name;
  std::string type;  ///< SQL type name
};

/// Rows of one answer, in order. Valid as long as the store is open.
class RowReader {
 public:
  virtual ~RowReader() = default;
  virtual const std::vector<Column>& columns() const = 0;
  /// Fills `row` (resized to the columns) and returns true, or returns false at the end.
  virtual Result<bool> Next(std::vector<Value>& row) = 0;
  /// The next rows of an answer all of whose columns are BIGINT, column by column (NULL as 0), for
  /// whom millions of rows would be too slow one by one. Gives their number; 0: at the end. Fails
  /// also: kInvalidArgument (another type, or rows were read one by one before).
  virtual Result<std::size_t> NextIntegers(std::vector<std::vector<std::int64_t>>& columns) = 0;
};

/// The segments that a store was opened over.
struct ShownSegments {
  StoreLayout layout;
  std::vector<Segment> segments;
  std::shared_ptr<const FileLock> hold{};  ///< see HeldCatalog: no segment goes meanwhile
};

/// A named argument of a library query.
struct Argument {
  std::string name;
  Value value;
};

class Store {
 public:
  virtual ~Store() = default;

  /// Runs SQL over the tables: one query that sql_check.hpp allows; anything else is refused with
  /// kInvalidArgument.
  virtual Result<std::unique_ptr<RowReader>> Sql(std::string_view query) = 0;
  /// As Sql, with $1, $2 … bound to `parameters`. Readers may be open side by side; each must be
  /// gone before the store is.
  virtual Result<std::unique_ptr<RowReader>> Sql(std::string_view query,
                                                 const std::vector<Value>& parameters) = 0;
  /// Makes a macro or view known to Sql (the query library): one statement that sql_check.hpp
  /// allows.
  virtual Result<> Define(std::string_view sql) = 0;
  /// The same for a definition that is part of this program: `sql` defines the view or macro
  /// `name`, is not checked, and is run when the first query or definition names it.
  virtual void DefineOwn(std::string_view name, bool is_view, std::string_view sql) = 0;
  /// Answers the views `names`, of this program's own, now and holds the rows: what reads them from
  /// now on reads memory. Each behind those that it reads. For who asks many questions of one
  /// store. Fails as Sql does.
  virtual Result<> Keep(std::span<const std::string_view> names) = 0;

  /// What its rows come from; null: they are in memory.
  virtual const ShownSegments* Shown() const = 0;

  /// From now on the rows of the segments of `table`, one of schema::Tables() or its other sort
  /// order, are those whose `column` is one of `values` (integers or texts), for questions that
  /// rest on no others: row groups without them are not read. Readers that were there are not
  /// touched. A store in memory stays as it is. `table` and `column` are of this program's own.
  /// Fails as Sql does.
  virtual Result<> Narrow(std::string_view table, std::string_view column,
                          const std::vector<Value>& values) = 0;
  /// Ends what Narrow began, of all tables.
  virtual Result<> Widen() = 0;

  /// Ends the queries that are running with kUnavailable and `reason`. From any thread.
  virtual void Interrupt(std::string_view reason = "interrupted") = 0;
  /// How far the longest running query is, 0..1; negative when that is not known. From any thread.
  virtual double Progress() = 0;
};

/// Widens a store again at the end of a scope, however that is left.
class Narrowed {
 public:
  explicit Narrowed(Store& store) : store_(store) {}
  Narrowed(const Narrowed&) = delete;
  Narrowed& operator=(const Narrowed&) = delete;
  ~Narrowed() { (void)store_.Widen(); }

 private:
  Store& store_;
};

struct OpenStoreOptions {
  /// What queries may hold at once; 0: as DuckDB has it, 80 % of the machine's. What does not fit
  /// is spilled to a scratch folder (base/scratch_folder.hpp), with a limit nothing is.
  std::uint64_t memory_bytes_max = 0;
};

/// Opens the store in `folder` for reading: the tables as views over the live segments. Writes
/// nothing into it. Of what the folder says nothing reaches SQL that is not checked
/// (catalog_check.hpp). What it reads stays there as long as it is open (held_catalog.hpp). Fails:
/// kNotFound (no store there), kCorrupt (a segment or the catalog is unreadable, or none that a
/// store can have: which), kUnavailable (as HoldCatalog).
Result<std::unique_ptr<Store>> OpenStore(const std::string& folder,
                                         const OpenStoreOptions& options = {});

/// The same by a catalog that was read before. Fails: as OpenStore, but for kNotFound.
Result<std::unique_ptr<Store>> OpenStoreBy(const StoreLayout& layout, HeldCatalog held,
                                           const OpenStoreOptions& options = {});

/// The same over some segments of a store only: `shown` is part of what Shown() gave. The library
/// of queries is not defined there.
Result<std::unique_ptr<Store>> OpenSegments(const ShownSegments& shown,
                                            const OpenStoreOptions& options = {});

/// The tables of a store of which nothing was ingested: all empty. Fails: kUnavailable.
Result<std::unique_ptr<Store>> OpenEmptyStore();

/// A store in memory with the empty tables of `schema` (and event_by_object as a view of event),
/// then `sql` (INSERTs) run on them. For tests of what is built on top of the interface.
Result<std::unique_ptr<Store>> OpenMemoryStore(const std::string& sql);

/// `text` as an SQL string literal.
std::string Quoted(std::string_view text);

}  // namespace spoor::store
