// SPDX-License-Identifier: Apache-2.0
// Column types that have no place in store::Value (timestamps, structs, lists of numbers …) are
// turned into text by DuckDB itself: the query is wrapped into one that casts just those columns.
#include "store/rows_adapter.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/check.hpp"

namespace spoor::store {
namespace {

class PreparedStatement {
 public:
  PreparedStatement() = default;
  PreparedStatement(PreparedStatement&& other) noexcept
      : statement_(std::exchange(other.statement_, nullptr)) {}
  PreparedStatement& operator=(PreparedStatement&& other) noexcept {
    std::swap(statement_, other.statement_);
    return *this;
  }
  ~PreparedStatement() { duckdb_destroy_prepare(&statement_); }

  static Result<PreparedStatement> Prepare(Connection& connection, const std::string& sql) {
    PreparedStatement prepared;
    if (duckdb_prepare(connection.get(), sql.c_str(), &prepared.statement_) == DuckDBError) {
      return tl::unexpected<Error>(
          ErrorOf(DUCKDB_ERROR_INVALID, duckdb_prepare_error(prepared.statement_)));
    }
    return prepared;
  }
  duckdb_prepared_statement get() const { return statement_; }

 private:
  duckdb_prepared_statement statement_ = nullptr;
};

class LogicalType {
 public:
  explicit LogicalType(duckdb_logical_type type) : type_(type) {}
  LogicalType(const LogicalType&) = delete;
  LogicalType& operator=(const LogicalType&) = delete;
  ~LogicalType() { duckdb_destroy_logical_type(&type_); }
  duckdb_logical_type get() const { return type_; }
  duckdb_type id() const { return duckdb_get_type_id(type_); }

 private:
  duckdb_logical_type type_;
};

std::string_view TypeName(duckdb_type type) {
  switch (type) {
    case DUCKDB_TYPE_BOOLEAN:
      return "BOOLEAN";
    case DUCKDB_TYPE_TINYINT:
      return "TINYINT";
    case DUCKDB_TYPE_SMALLINT:
      return "SMALLINT";
    case DUCKDB_TYPE_INTEGER:
      return "INTEGER";
    case DUCKDB_TYPE_BIGINT:
      return "BIGINT";
    case DUCKDB_TYPE_UTINYINT:
      return "UTINYINT";
    case DUCKDB_TYPE_USMALLINT:
      return "USMALLINT";
    case DUCKDB_TYPE_UINTEGER:
      return "UINTEGER";
    case DUCKDB_TYPE_UBIGINT:
      return "UBIGINT";
    case DUCKDB_TYPE_HUGEINT:
      return "HUGEINT";
    case DUCKDB_TYPE_FLOAT:
      return "FLOAT";
    case DUCKDB_TYPE_DOUBLE:
      return "DOUBLE";
    case DUCKDB_TYPE_BLOB:
      return "BLOB";
    case DUCKDB_TYPE_TIMESTAMP:
      return "TIMESTAMP";
    case DUCKDB_TYPE_DATE:
      return "DATE";
    case DUCKDB_TYPE_INTERVAL:
      return "INTERVAL";
    case DUCKDB_TYPE_LIST:
      return "VARCHAR[]";
    default:
      return "VARCHAR";
  }
}

/// What a column of this type must be cast to before it can be read; empty: nothing.
std::string_view CastNeeded(duckdb_logical_type type) {
  switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_BOOLEAN:
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_UTINYINT:
    case DUCKDB_TYPE_USMALLINT:
    case DUCKDB_TYPE_UINTEGER:
    case DUCKDB_TYPE_UBIGINT:
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_FLOAT:
    case DUCKDB_TYPE_DOUBLE:
    case DUCKDB_TYPE_VARCHAR:
    case DUCKDB_TYPE_BLOB:
    case DUCKDB_TYPE_SQLNULL:
      return "";
    case DUCKDB_TYPE_DECIMAL:
      return "DOUBLE";
    case DUCKDB_TYPE_LIST: {
      const LogicalType child(duckdb_list_type_child_type(type));
      return child.id() == DUCKDB_TYPE_VARCHAR ? "" : "VARCHAR[]";
    }
    default:
      return "VARCHAR";
  }
}

std::string TextAt(duckdb_vector vector, idx_t row) {
  auto* strings = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector));
  return {duckdb_string_t_data(&strings[row]), duckdb_string_t_length(strings[row])};
}

template <typename T>
T NumberAt(duckdb_vector vector, idx_t row) {
  return static_cast<T*>(duckdb_vector_get_data(vector))[row];
}

bool IsNull(duckdb_vector vector, idx_t row) {
  std::uint64_t* validity = duckdb_vector_get_validity(vector);
  return validity != nullptr && !duckdb_validity_row_is_valid(validity, row);
}

Value HugeAt(duckdb_vector vector, idx_t row) {
  const auto huge = NumberAt<duckdb_hugeint>(vector, row);
  const auto low = static_cast<std::int64_t>(huge.lower);
  if (huge.upper == (low < 0 ? -1 : 0)) return low;
  return duckdb_hugeint_to_double(huge);
}

Value ListAt(duckdb_vector vector, idx_t row) {
  const auto entry = NumberAt<duckdb_list_entry>(vector, row);
  duckdb_vector child = duckdb_list_vector_get_child(vector);
  std::vector<std::string> texts;
  texts.reserve(entry.length);
  for (idx_t i = entry.offset; i < entry.offset + entry.length; ++i) {
    texts.push_back(IsNull(child, i) ? std::string() : TextAt(child, i));
  }
  return texts;
}

Value ValueAt(duckdb_vector vector, duckdb_type type, idx_t row) {
  if (IsNull(vector, row)) return std::monostate();
  switch (type) {
    case DUCKDB_TYPE_BOOLEAN:
      return NumberAt<bool>(vector, row);
    case DUCKDB_TYPE_TINYINT:
      return std::int64_t{NumberAt<std::int8_t>(vector, row)};
    case DUCKDB_TYPE_SMALLINT:
      return std::int64_t{NumberAt<std::int16_t>(vector, row)};
    case DUCKDB_TYPE_INTEGER:
      return std::int64_t{NumberAt<std::int32_t>(vector, row)};
    case DUCKDB_TYPE_BIGINT:
      return NumberAt<std::int64_t>(vector, row);
    case DUCKDB_TYPE_UTINYINT:
      return std::int64_t{NumberAt<std::uint8_t>(vector, row)};
    case DUCKDB_TYPE_USMALLINT:
      return std::int64_t{NumberAt<std::uint16_t>(vector, row)};
    case DUCKDB_TYPE_UINTEGER:
      return std::int64_t{NumberAt<std::uint32_t>(vector, row)};
    case DUCKDB_TYPE_UBIGINT: {
      const auto number = NumberAt<std::uint64_t>(vector, row);
      if (number > static_cast<std::uint64_t>(INT64_MAX)) return std::to_string(number);
      return static_cast<std::int64_t>(number);
    }
    case DUCKDB_TYPE_HUGEINT:
      return HugeAt(vector, row);
    case DUCKDB_TYPE_FLOAT:
      return double{NumberAt<float>(vector, row)};
    case DUCKDB_TYPE_DOUBLE:
      return NumberAt<double>(vector, row);
    case DUCKDB_TYPE_VARCHAR:
      return TextAt(vector, row);
    case DUCKDB_TYPE_BLOB:
      return Bytes{TextAt(vector, row)};
    case DUCKDB_TYPE_LIST:
      return ListAt(vector, row);
    default:
      return std::monostate();  // SQLNULL; the rest was cast away
  }
}

Result<> Bind(const PreparedStatement& statement, const std::vector<Value>& parameters) {
  const idx_t wanted = duckdb_nparams(statement.get());
  if (wanted != parameters.size()) {
    return Fail(ErrorCode::kInvalidArgument, "the query has {} parameters, {} were given", wanted,
                parameters.size());
  }
  for (idx_t i = 0; i < wanted; ++i) {
    const auto bind = [&](auto&& call, auto... value) {
      return call(statement.get(), i + 1, value...) == DuckDBSuccess;
    };
    const Value& value = parameters[i];
    bool done = false;
    if (std::holds_alternative<std::monostate>(value)) done = bind(duckdb_bind_null);
    if (const auto* flag = std::get_if<bool>(&value)) done = bind(duckdb_bind_boolean, *flag);
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      done = bind(duckdb_bind_int64, *integer);
    }
    if (const auto* real = std::get_if<double>(&value)) done = bind(duckdb_bind_double, *real);
    if (const auto* text = std::get_if<std::string>(&value)) {
      done = bind(duckdb_bind_varchar_length, text->data(), idx_t{text->size()});
    }
    if (const auto* bytes = std::get_if<Bytes>(&value)) {
      done = bind(duckdb_bind_blob, static_cast<const void*>(bytes->bytes.data()),
                  idx_t{bytes->bytes.size()});
    }
    if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
      std::vector<duckdb_value> items;
      for (const std::string& item : *list) {
        items.push_back(duckdb_create_varchar_length(item.data(), item.size()));
      }
      const LogicalType type(duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR));
      duckdb_value whole = duckdb_create_list_value(type.get(), items.data(), items.size());
      done = bind(duckdb_bind_value, whole);
      duckdb_destroy_value(&whole);
      for (duckdb_value& item : items) duckdb_destroy_value(&item);
    }
    if (!done) return Fail(ErrorCode::kInvalidArgument, "parameter ${} cannot be bound", i + 1);
  }
  return {};
}

/// What an answer looks like, and how to make all of it readable.
struct Shape {
  std::vector<Column> columns;
  std::string casts, names;  ///< "c0, CAST(c1 AS VARCHAR)" and "c0, c1"
  bool cast_needed = false;
  bool resolved = true;  ///< false: DuckDB cannot tell the types before it runs the query

  void Add(const char* name, const LogicalType& type) {
    const std::string_view separator = columns.empty() ? "" : ", ";
    const std::string_view cast = CastNeeded(type.get());
    const std::string column = fmt::format("c{}", columns.size());
    casts += cast.empty() ? fmt::format("{}{}", separator, column)
                          : fmt::format("{}CAST({} AS {})", separator, column, cast);
    names += fmt::format("{}{}", separator, column);
    cast_needed = cast_needed || !cast.empty();
    resolved = resolved && type.id() != DUCKDB_TYPE_INVALID;
    columns.push_back({name == nullptr ? "" : name, std::string(TypeName(type.id()))});
  }
};

Shape ShapeOf(const PreparedStatement& statement) {
  Shape shape;
  const idx_t count = duckdb_prepared_statement_column_count(statement.get());
  for (idx_t i = 0; i < count; ++i) {
    const char* name = duckdb_prepared_statement_column_name(statement.get(), i);
    shape.Add(name, LogicalType(duckdb_prepared_statement_column_logical_type(statement.get(), i)));
    duckdb_free(const_cast<char*>(name));
  }
  return shape;
}

class DuckRows : public RowReader {
 public:
  DuckRows(std::shared_ptr<Connection> connection, PreparedStatement statement,
           std::function<Error(Error)> explain)
      : connection_(std::move(connection)),
        statement_(std::move(statement)),
        explain_(std::move(explain)) {}
  ~DuckRows() override {
    DropChunk();
    if (started_) duckdb_destroy_result(&result_);
  }

  Result<> Start() {
    duckdb_pending_result pending = nullptr;
    bool good = duckdb_pending_prepared_streaming(statement_.get(), &pending) == DuckDBSuccess;
    if (!good) {
      const Error error = ErrorOf(DUCKDB_ERROR_INVALID, duckdb_pending_error(pending));
      duckdb_destroy_pending(&pending);
      return tl::unexpected<Error>(explain_(error));
    }
    good = duckdb_execute_pending(pending, &result_) == DuckDBSuccess;
    duckdb_destroy_pending(&pending);
    started_ = true;
    if (!good) return TakeError();
    const idx_t count = duckdb_column_count(&result_);
    for (idx_t i = 0; i < count; ++i) types_.push_back(duckdb_column_type(&result_, i));
    return {};
  }

  Shape ResultShape() {
    Shape shape;
    for (idx_t i = 0; i < types_.size(); ++i) {
      shape.Add(duckdb_column_name(&result_, i),
                LogicalType(duckdb_column_logical_type(&result_, i)));
    }
    return shape;
  }

  const std::vector<Column>& columns() const override { return columns_; }
  void SetColumns(std::vector<Column> columns) { columns_ = std::move(columns); }

  Result<bool> Next(std::vector<Value>& row) override {
    ASSIGN_OR_RETURN(const bool more, HasRow());
    if (!more) return false;
    row.resize(types_.size());
    for (std::size_t i = 0; i < types_.size(); ++i) {
      row[i] = ValueAt(duckdb_data_chunk_get_vector(chunk_, i), types_[i], next_row_);
    }
    ++next_row_;
    return true;
  }

  Result<std::size_t> NextIntegers(std::vector<std::vector<std::int64_t>>& columns) override {
    const bool all_integers =
        std::ranges::all_of(types_, [](duckdb_type type) { return type == DUCKDB_TYPE_BIGINT; });
    if (!all_integers || next_row_ != 0) {
      return Fail(ErrorCode::kInvalidArgument, "the answer is not made of whole columns of BIGINT");
    }
    ASSIGN_OR_RETURN(const bool more, HasRow());
    if (!more) return std::size_t{0};
    const idx_t count = duckdb_data_chunk_get_size(chunk_);
    columns.resize(types_.size());
    for (std::size_t i = 0; i < types_.size(); ++i) {
      duckdb_vector vector = duckdb_data_chunk_get_vector(chunk_, i);
      const auto* values = static_cast<const std::int64_t*>(duckdb_vector_get_data(vector));
      columns[i].assign(values, values + count);
      for (idx_t row = 0; duckdb_vector_get_validity(vector) != nullptr && row < count; ++row) {
        if (IsNull(vector, row)) columns[i][row] = 0;
      }
    }
    DropChunk();
    return static_cast<std::size_t>(count);
  }

 private:
  /// Fetches a chunk where all rows of the last one were read.
  Result<bool> HasRow() {
    while (chunk_ == nullptr || next_row_ == duckdb_data_chunk_get_size(chunk_)) {
      if (ended_) return false;
      DropChunk();
      next_row_ = 0;
      chunk_ = duckdb_fetch_chunk(result_);
      if (chunk_ != nullptr) continue;
      ended_ = true;
      const char* message = duckdb_result_error(&result_);
      if (message != nullptr && *message != '\0') RETURN_IF_ERROR(TakeError());
    }
    return true;
  }

  Result<> TakeError() {
    return tl::unexpected<Error>(
        explain_(ErrorOf(duckdb_result_error_type(&result_), duckdb_result_error(&result_))));
  }
  void DropChunk() {
    if (chunk_ != nullptr) duckdb_destroy_data_chunk(&chunk_);
    chunk_ = nullptr;
  }

  std::shared_ptr<Connection> connection_;
  PreparedStatement statement_;
  std::vector<Column> columns_;
  std::function<Error(Error)> explain_;
  duckdb_result result_{};
  bool started_ = false;
  bool ended_ = false;
  std::vector<duckdb_type> types_;
  duckdb_data_chunk chunk_ = nullptr;
  idx_t next_row_ = 0;
};

std::string WithoutEnd(std::string_view query) {
  while (!query.empty() &&
         (query.back() == ';' || std::isspace(static_cast<unsigned char>(query.back())) != 0)) {
    query.remove_suffix(1);
  }
  return std::string(query);
}

/// EXPLAIN ANALYZE runs what it explains, so that must be a query too.
bool ExplainsAQuery(Connection& connection, std::string_view query) {
  const auto take_word = [&query](std::string_view word) {
    while (!query.empty() && std::isspace(static_cast<unsigned char>(query[0])) != 0) {
      query.remove_prefix(1);
    }
    if (query.size() < word.size() ||
        !std::equal(word.begin(), word.end(), query.begin(), [](char a, char b) {
          return a == static_cast<char>(std::tolower(static_cast<unsigned char>(b)));
        })) {
      return false;
    }
    query.remove_prefix(word.size());
    return true;
  };
  if (!take_word("explain")) return false;
  take_word("analyze");
  const auto inner = PreparedStatement::Prepare(connection, std::string(query));
  return inner && duckdb_prepared_statement_type(inner->get()) == DUCKDB_STATEMENT_TYPE_SELECT;
}

}  // namespace

Result<std::unique_ptr<RowReader>> StartQuery(std::shared_ptr<Connection> connection,
                                              std::string_view query,
                                              const std::vector<Value>& parameters,
                                              std::function<Error(Error)> explain) {
  const std::string text = WithoutEnd(query);
  auto prepared = PreparedStatement::Prepare(*connection, text);
  if (!prepared) return tl::unexpected<Error>(explain(prepared.error()));
  const duckdb_statement_type kind = duckdb_prepared_statement_type(prepared->get());
  if (kind != DUCKDB_STATEMENT_TYPE_SELECT &&
      !(kind == DUCKDB_STATEMENT_TYPE_EXPLAIN && ExplainsAQuery(*connection, text))) {
    return Fail(
        ErrorCode::kInvalidArgument,
        "the store is read only: only queries (SELECT, WITH, DESCRIBE, EXPLAIN) can be run");
  }
  Shape shape = ShapeOf(*prepared);
  RETURN_IF_ERROR(Bind(*prepared, parameters));
  if (!shape.resolved) {
    // The types depend on those of the parameters, so that only running it tells them.
    DuckRows rows(connection, std::move(*prepared), explain);
    RETURN_IF_ERROR(rows.Start());
    shape = rows.ResultShape();
    prepared = PreparedStatement();
  }
  if (shape.cast_needed || prepared->get() == nullptr) {
    // The line end closes a comment that the query may end with.
    prepared = PreparedStatement::Prepare(
        *connection, shape.cast_needed ? fmt::format("SELECT {} FROM ({}\n) AS answer({})",
                                                     shape.casts, text, shape.names)
                                       : text);
    if (!prepared) return tl::unexpected<Error>(explain(prepared.error()));
    RETURN_IF_ERROR(Bind(*prepared, parameters));
  }
  std::unique_ptr<DuckRows> rows =
      std::make_unique<DuckRows>(std::move(connection), std::move(*prepared), std::move(explain));
  RETURN_IF_ERROR(rows->Start());
  rows->SetColumns(std::move(shape.columns));
  return rows;
}

}  // namespace spoor::store
