// SPDX-License-Identifier: Apache-2.0
#include "store/row_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/base64.hpp"

namespace spoor::store {
namespace {

nlohmann::ordered_json ValueOf(const Value& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
  if (const auto* real = std::get_if<double>(&value)) return *real;  // not finite: null
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* bytes = std::get_if<Bytes>(&value)) return ToBase64(bytes->bytes);
  if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) return *texts;
  return nullptr;
}

}  // namespace

RowJson::RowJson(const std::vector<Column>& columns) {
  for (const Column& column : columns) {
    std::string name = column.name;
    for (int i = 2; std::find(names_.begin(), names_.end(), name) != names_.end(); ++i) {
      name = fmt::format("{}_{}", column.name, i);
    }
    names_.push_back(name);
  }
}

std::string RowJson::Line(const std::vector<Value>& row) const {
  nlohmann::ordered_json object = nlohmann::ordered_json::object();
  for (std::size_t i = 0; i < row.size(); ++i) object[names_[i]] = ValueOf(row[i]);
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace spoor::store
