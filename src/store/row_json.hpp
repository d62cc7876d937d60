// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "store/store.hpp"

namespace spoor::store {

/// Rows as JSON objects, one a line: what `--json` prints and proof bundles hold. BLOBs as base64,
/// integers as they are, bytes that are no UTF-8 replaced. Columns of one name get _2, _3 … behind.
class RowJson {
 public:
  explicit RowJson(const std::vector<Column>& columns);
  /// Without its newline.
  std::string Line(const std::vector<Value>& row) const;

 private:
  std::vector<std::string> names_;
};

}  // namespace spoor::store
