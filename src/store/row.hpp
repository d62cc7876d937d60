// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "store/store.hpp"

/// Typed reading of rows.
namespace spoor::store {

/// NULL, and values of another type, give nothing.
inline std::optional<std::int64_t> IntegerOf(const Value& value) {
  const auto* integer = std::get_if<std::int64_t>(&value);
  return integer != nullptr ? std::optional(*integer) : std::nullopt;
}
inline std::string TextOf(const Value& value) {
  const auto* text = std::get_if<std::string>(&value);
  return text != nullptr ? *text : std::string();
}
inline std::optional<bool> BooleanOf(const Value& value) {
  const auto* boolean = std::get_if<bool>(&value);
  return boolean != nullptr ? std::optional(*boolean) : std::nullopt;
}

/// Runs `query` and calls `take(row)` for each row; the row is only valid during the call.
template <typename Take>
Result<> ForEachRow(Store& store, std::string_view query, const std::vector<Value>& parameters,
                    Take&& take) {
  ASSIGN_OR_RETURN(const std::unique_ptr<RowReader> reader, store.Sql(query, parameters));
  std::vector<Value> row;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, reader->Next(row));
    if (!more) return {};
    take(row);
  }
}

}  // namespace spoor::store
