// SPDX-License-Identifier: Apache-2.0
#include "report/rows.hpp"

#include <utility>

#include "base/check.hpp"

namespace spoor::report {

const store::Value& Row::At(std::string_view column) const {
  const auto found = columns_->find(column);
  SPOOR_CHECK(found != columns_->end()) << "no column " << column;
  return values_[found->second];
}

std::optional<std::int64_t> Row::Integer(std::string_view column) const {
  const auto* value = std::get_if<std::int64_t>(&At(column));
  return value == nullptr ? std::nullopt : std::optional(*value);
}

std::string Row::Text(std::string_view column) const {
  const store::Value& value = At(column);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* bytes = std::get_if<store::Bytes>(&value)) return bytes->bytes;
  return "";
}

bool Row::Flag(std::string_view column) const {
  const auto* value = std::get_if<bool>(&At(column));
  return value != nullptr && *value;
}

bool Row::IsNull(std::string_view column) const {
  return std::holds_alternative<std::monostate>(At(column));
}

std::vector<std::string> Row::Texts(std::string_view column) const {
  const auto* value = std::get_if<std::vector<std::string>>(&At(column));
  return value == nullptr ? std::vector<std::string>() : *value;
}

Result<std::vector<Row>> ReadRows(store::Store& store, std::string_view query,
                                  const std::vector<store::Value>& parameters,
                                  std::size_t rows_max) {
  ASSIGN_OR_RETURN(const std::unique_ptr<store::RowReader> reader, store.Sql(query, parameters));
  auto columns = std::make_shared<std::map<std::string, std::size_t, std::less<>>>();
  for (std::size_t i = 0; i < reader->columns().size(); ++i)
    columns->emplace(reader->columns()[i].name, i);
  std::vector<Row> rows;
  std::vector<store::Value> values;
  while (rows.size() < rows_max) {
    ASSIGN_OR_RETURN(const bool more, reader->Next(values));
    if (!more) break;
    rows.emplace_back(columns, values);
  }
  return rows;
}

}  // namespace spoor::report
