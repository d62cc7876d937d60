// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "store/store.hpp"

namespace spoor::report {

/// One row of an answer, its values by column name. A column that is not there is a mistake of the
/// program and aborts; NULL and a value of another type give nothing.
class Row {
 public:
  Row(std::shared_ptr<const std::map<std::string, std::size_t, std::less<>>> columns,
      std::vector<store::Value> values)
      : columns_(std::move(columns)), values_(std::move(values)) {}

  std::optional<std::int64_t> Integer(std::string_view column) const;
  /// Empty for NULL; also the bytes of a BLOB.
  std::string Text(std::string_view column) const;
  bool Flag(std::string_view column) const;
  bool IsNull(std::string_view column) const;
  std::vector<std::string> Texts(std::string_view column) const;

 private:
  const store::Value& At(std::string_view column) const;
  // Shared by all rows of one answer.
  std::shared_ptr<const std::map<std::string, std::size_t, std::less<>>> columns_;
  std::vector<store::Value> values_;
};

/// All rows of `query`, at most `rows_max`.
Result<std::vector<Row>> ReadRows(store::Store& store, std::string_view query,
                                  const std::vector<store::Value>& parameters = {},
                                  std::size_t rows_max = 100'000);

}  // namespace spoor::report
