// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

namespace spoor::queries {

/// One .sql file of src/queries as it was when the program was built.
struct EmbeddedQuery {
  std::string_view name;  ///< file name without .sql
  std::string_view sql;
};
const std::vector<EmbeddedQuery>& EmbeddedQueries();

}  // namespace spoor::queries
