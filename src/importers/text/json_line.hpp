// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Lines of JSON of which nobody promised anything: what is not there or of another type is absent.
namespace spoor::importers {

using JsonElement = simdjson::dom::element;
using JsonObject = simdjson::dom::object;

/// Parses one line at a time. Not thread-safe.
class JsonLineParser {
 public:
  /// The object that is all of `line`; valid until the next call. Bytes that are not UTF-8 come out
  /// as \xHH.
  std::optional<JsonObject> Parse(std::string_view line);

 private:
  simdjson::dom::parser parser_;
  std::string mended_;
};

/// Empty: there is no such text.
std::string_view TextAt(JsonObject object, std::string_view key);
/// A whole number from 0, also written as text.
std::optional<std::uint64_t> NumberAt(JsonObject object, std::string_view key);
std::optional<JsonObject> ObjectAt(JsonObject object, std::string_view key);
std::optional<std::uint16_t> PortAt(JsonObject object, std::string_view key);

/// Text as it is; numbers, true and false as JSON writes them; lists as their members with a comma
/// between; null: empty.
std::string PlainText(JsonElement element);

}  // namespace spoor::importers
