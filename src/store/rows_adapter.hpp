// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "store/duckdb_adapter.hpp"
#include "store/store.hpp"

namespace spoor::store {

/// Starts `query` on `connection`, which the reader keeps, with $1, $2 … bound to `parameters`;
/// rows are made while they are read, so that a big answer needs no memory. `explain` may turn an
/// error of DuckDB into a better one. Fails: kInvalidArgument (not a query, wrong SQL, wrong
/// parameters), and what `explain` makes of the rest.
Result<std::unique_ptr<RowReader>> StartQuery(std::shared_ptr<Connection> connection,
                                              std::string_view query,
                                              const std::vector<Value>& parameters,
                                              std::function<Error(Error)> explain);

}  // namespace spoor::store
