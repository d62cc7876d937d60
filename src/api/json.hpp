// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "store/store.hpp"

/// Values as the API writes them (openapi.yaml): ids and times are decimal strings, for a
/// JavaScript number cannot hold them; text is UTF-8 whatever was recorded.
namespace spoor::api {

using Json = nlohmann::ordered_json;

/// An id or a time.
Json Exact(std::int64_t value);
Json Exact(std::optional<std::int64_t> value);
/// Null for nothing.
Json NumberOrNull(std::optional<std::int64_t> value);
/// Null for an empty text.
Json TextOrNull(const std::string& text);
Json Utf8(std::string_view text);

/// Whether integers of a column of that name are written as strings.
bool IsExact(std::string_view column);

/// One value under the name of its column: BLOBs as base64, lists as arrays.
Json CellJson(std::string_view column, const store::Value& value);

/// All rows of `query`, an object each, properties named as its columns.
Result<Json> ReadObjects(store::Store& store, std::string_view query,
                         const std::vector<store::Value>& parameters = {});

/// The one row of a query that always has one.
Result<Json> ReadObject(store::Store& store, std::string_view query,
                        const std::vector<store::Value>& parameters = {});

std::string Dump(const Json& json);

}  // namespace spoor::api
