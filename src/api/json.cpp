// SPDX-License-Identifier: Apache-2.0
#include "api/json.hpp"

#include "base/base64.hpp"
#include "store/row.hpp"

namespace spoor::api {

Json Exact(std::int64_t value) {
  return std::to_string(value);
}

Json Exact(std::optional<std::int64_t> value) {
  return value ? Exact(*value) : Json();
}

Json NumberOrNull(std::optional<std::int64_t> value) {
  return value ? Json(*value) : Json();
}

// What is not UTF-8 is replaced when the answer is written (Dump).
Json Utf8(std::string_view text) {
  return std::string(text);
}

Json TextOrNull(const std::string& text) {
  return text.empty() ? Json() : Utf8(text);
}

bool IsExact(std::string_view column) {
  return column.ends_with("_id") || column.ends_with("_ns");
}

Json CellJson(std::string_view column, const store::Value& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    return IsExact(column) ? Exact(*integer) : Json(*integer);
  }
  if (const auto* real = std::get_if<double>(&value)) return *real;
  if (const auto* text = std::get_if<std::string>(&value)) return Utf8(*text);
  if (const auto* bytes = std::get_if<store::Bytes>(&value)) return ToBase64(bytes->bytes);
  if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) return *texts;
  return nullptr;
}

Result<Json> ReadObjects(store::Store& store, std::string_view query,
                         const std::vector<store::Value>& parameters) {
  ASSIGN_OR_RETURN(const std::unique_ptr<store::RowReader> reader, store.Sql(query, parameters));
  Json all = Json::array();
  std::vector<store::Value> row;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, reader->Next(row));
    if (!more) return all;
    Json object = Json::object();
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string& name = reader->columns()[i].name;
      object[name] = CellJson(name, row[i]);
    }
    all.push_back(std::move(object));
  }
}

Result<Json> ReadObject(store::Store& store, std::string_view query,
                        const std::vector<store::Value>& parameters) {
  ASSIGN_OR_RETURN(Json rows, ReadObjects(store, query, parameters));
  if (rows.empty()) return Fail(ErrorCode::kNotFound, "no such thing in the store");
  return rows.front();
}

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace spoor::api
