// SPDX-License-Identifier: Apache-2.0
// The library as a list, a question of it, SQL, and what there is to ask about.
#include <fmt/format.h>

#include <chrono>
#include <map>

#include "analysis/question.hpp"
#include "api/endpoint.hpp"
#include "api/filter.hpp"
#include "api/json.hpp"
#include "api/snapshot.hpp"
#include "base/time.hpp"
#include "queries/library.hpp"
#include "schema/tables.hpp"

namespace spoor::api {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kSqlBodyBytesMax = 160 << 10;
constexpr std::size_t kSqlBytesMax = 64 << 10;
constexpr std::size_t kAskIdBytesMax = 64;
constexpr std::int64_t kTableRowsUsual = 1000;
constexpr std::int64_t kTableRowsMax = 10'000;
/// What the cells of one answer may hold.
constexpr std::size_t kTableBytesMax = 32 << 20;

double ElapsedMs(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

/// A cell by the type of its column: a JavaScript number cannot hold 64 bits.
Json Cell(const store::Column& column, const store::Value& value) {
  const bool is_small = column.type == "INTEGER" || column.type == "SMALLINT" ||
                        column.type == "TINYINT" || column.type == "UINTEGER" ||
                        column.type == "USMALLINT" || column.type == "UTINYINT";
  if (const auto* integer = std::get_if<std::int64_t>(&value); integer != nullptr && !is_small) {
    return Exact(*integer);
  }
  return CellJson("", value);
}

std::size_t BytesOf(const store::Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return text->size();
  if (const auto* bytes = std::get_if<store::Bytes>(&value)) return bytes->bytes.size();
  if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
    std::size_t bytes = 0;
    for (const std::string& text : *texts) bytes += text.size() + 16;
    return bytes;
  }
  return 8;
}

/// Columns, rows and truncated of a Table: the first rows, as many as `limit` and memory allow.
Result<Json> TableOf(store::RowReader& reader, std::int64_t limit) {
  Json columns = Json::array();
  for (const store::Column& column : reader.columns()) {
    columns.push_back({{"name", Utf8(column.name)}, {"type", column.type}});
  }
  Json rows = Json::array();
  bool truncated = false;
  std::size_t bytes = 0;
  std::vector<store::Value> row;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, reader.Next(row));
    if (!more) break;
    if (std::cmp_greater_equal(rows.size(), limit) || bytes > kTableBytesMax) {
      truncated = true;
      break;
    }
    Json cells = Json::array();
    for (std::size_t i = 0; i < row.size(); ++i) {
      bytes += BytesOf(row[i]);
      cells.push_back(Cell(reader.columns()[i], row[i]));
    }
    rows.push_back(std::move(cells));
  }
  return Json{{"columns", std::move(columns)}, {"rows", std::move(rows)}, {"truncated", truncated}};
}

/// Only who asked may cancel.
std::string OwnAskId(const Identity& who, std::string_view ask_id) {
  return ask_id.empty() ? std::string() : who.user + "/" + std::string(ask_id);
}

Json QuestionJson(const queries::Query& query) {
  Json parameters = Json::array();
  for (const queries::Parameter& parameter : query.parameters) {
    parameters.push_back({{"name", parameter.name},
                          {"type", parameter.type},
                          {"meaning", parameter.meaning},
                          {"optional", parameter.optional}});
  }
  Json columns = Json::array();
  for (const queries::QueryColumn& column : query.columns) {
    columns.push_back({{"name", column.name}, {"type", column.type}, {"meaning", column.meaning}});
  }
  return {{"name", query.name},    {"question", query.question}, {"parameters", parameters},
          {"columns", columns},    {"needs", query.needs},       {"limits", query.limits},
          {"source", query.source}};
}

Result<http::Answer> Questions(const Context&, Call&) {
  ASSIGN_OR_RETURN(const queries::Library library, queries::Library::LoadFromEnvironment());
  Json questions = Json::array();
  for (const queries::Query& query : library.queries()) {
    // A function is for use in SQL: it answers nothing by itself.
    const bool is_question = query.form != queries::Query::Form::kScalarMacro;
    if (is_question && !query.internal()) questions.push_back(QuestionJson(query));
  }
  return JsonAnswer(Dump({{"questions", std::move(questions)}}));
}

Json GapsJson(const std::vector<analysis::Gap>& gaps,
              const std::map<std::int64_t, std::string>& host_names) {
  Json list = Json::array();
  for (const analysis::Gap& gap : gaps) {
    Json host_id;
    for (const auto& [id, name] : host_names) {
      if (name == gap.host) host_id = Exact(id);
    }
    list.push_back({{"host_id", host_id},
                    {"from_wall_ns", Exact(gap.from_wall_ns)},
                    {"until_wall_ns", Exact(gap.until_wall_ns)},
                    {"loss_class", gap.loss_class},
                    {"count", NumberOrNull(gap.count)},
                    {"reason", Utf8(gap.reason)}});
  }
  return list;
}

Result<http::Answer> AnswerQuestion(const Context& context, Call& call) {
  ASSIGN_OR_RETURN(const std::int64_t limit,
                   call.parameters.Within("limit", kTableRowsUsual, 1, kTableRowsMax));
  const std::vector<std::string> words = call.parameters.Texts("argument");
  ASSIGN_OR_RETURN(const std::vector<queries::NamedText> arguments, queries::ParseArguments(words));
  const std::string_view ask_id = call.parameters.Text("ask_id");
  if (ask_id.size() > kAskIdBytesMax) {
    return Fail(ErrorCode::kInvalidArgument, "ask_id is longer than {} bytes", kAskIdBytesMax);
  }
  ASSIGN_OR_RETURN(const queries::Library library, queries::Library::LoadFromEnvironment());
  ASSIGN_OR_RETURN(const queries::Query* const query, library.Find(call.request.Parameter("name")));
  ASSIGN_OR_RETURN(const StorePool::Lease store,
                   context.stores->Take(kAskTimeMax, OwnAskId(call.who, ask_id)));
  ASSIGN_OR_RETURN(const Json hosts,
                   ReadObjects(*store, "SELECT h.host_id, h.name FROM host AS h"));
  std::map<std::int64_t, std::string> host_names;
  for (const Json& host : hosts) {
    host_names[WholeNumber(host["host_id"].get<std::string>()).value_or(0)] =
        host["name"].get<std::string>();
  }
  const Clock::time_point begin = Clock::now();
  Json table;
  ASSIGN_OR_RETURN(const analysis::Told told,
                   analysis::Ask(*store, library, *query, arguments,
                                 {.now_wall_ns = WallNow(),
                                  .read = [&](store::RowReader& rows) -> Result<std::uint64_t> {
                                    ASSIGN_OR_RETURN(table, TableOf(rows, limit));
                                    return table["rows"].size();
                                  }}));
  table["elapsed_ms"] = ElapsedMs(begin);
  table["gaps"] = GapsJson(told.gaps, host_names);
  return JsonAnswer(Dump(table));
}

Result<http::Answer> AskSql(const Context& context, Call& call) {
  const Json body = Json::parse(call.request.body, nullptr, false);
  if (!body.is_object() || !body.contains("sql") || !body["sql"].is_string()) {
    return Fail(ErrorCode::kInvalidArgument, "the body must be an object with the text sql");
  }
  const std::string sql = body["sql"].get<std::string>();
  if (sql.size() > kSqlBytesMax) {
    return Fail(ErrorCode::kInvalidArgument, "sql is longer than {} bytes", kSqlBytesMax);
  }
  std::string ask_id;
  if (body.contains("ask_id")) {
    if (!body["ask_id"].is_string()) {
      return Fail(ErrorCode::kInvalidArgument, "ask_id must be a text");
    }
    ask_id = body["ask_id"].get<std::string>();
    if (ask_id.size() > kAskIdBytesMax) {
      return Fail(ErrorCode::kInvalidArgument, "ask_id is longer than {} bytes", kAskIdBytesMax);
    }
  }
  std::int64_t limit = kTableRowsUsual;
  if (body.contains("limit")) {
    const bool good =
        body["limit"].is_number_integer() && body["limit"] >= 1 && body["limit"] <= kTableRowsMax;
    if (!good) return Fail(ErrorCode::kInvalidArgument, "limit must be 1 to {}", kTableRowsMax);
    limit = body["limit"].get<std::int64_t>();
  }
  ASSIGN_OR_RETURN(const StorePool::Lease store,
                   context.stores->Take(kAskTimeMax, OwnAskId(call.who, ask_id)));
  const Clock::time_point begin = Clock::now();
  ASSIGN_OR_RETURN(const std::unique_ptr<store::RowReader> reader, store->Sql(sql));
  ASSIGN_OR_RETURN(Json table, TableOf(*reader, limit));
  table["elapsed_ms"] = ElapsedMs(begin);
  table["gaps"] = Json::array();
  return JsonAnswer(Dump(table));
}

Result<http::Answer> Cancel(const Context& context, Call& call) {
  context.stores->Cancel(OwnAskId(call.who, call.request.Parameter("ask_id")));
  return NoContent();
}

Result<http::Answer> Schema(const Context&, Call&) {
  Json tables = Json::array();
  for (const schema::TableDescription& table : schema::Tables()) {
    Json columns = Json::array();
    for (const schema::ColumnDescription& column : table.columns) {
      columns.push_back(
          {{"name", column.name}, {"type", column.sql_type}, {"meaning", column.meaning}});
    }
    tables.push_back(
        {{"name", table.name}, {"meaning", table.meaning}, {"columns", std::move(columns)}});
  }
  return JsonAnswer(Dump({{"tables", std::move(tables)}}));
}

}  // namespace

std::vector<Endpoint> AskEndpoints() {
  return {
      {.method = "GET", .path = "/questions", .needs = Role::kViewer, .answer = Questions},
      {.method = "GET",
       .path = "/questions/{name}/answer",
       .needs = Role::kViewer,
       .parameters = {"argument", "ask_id", "limit"},
       .answer = AnswerQuestion},
      {.method = "POST",
       .path = "/sql",
       .needs = Role::kAnalyst,
       .answer = AskSql,
       .body_bytes_max = kSqlBodyBytesMax},
      {.method = "DELETE", .path = "/asks/{ask_id}", .needs = Role::kViewer, .answer = Cancel},
      {.method = "GET", .path = "/schema", .needs = Role::kViewer, .answer = Schema, .kept = true}};
}

}  // namespace spoor::api
