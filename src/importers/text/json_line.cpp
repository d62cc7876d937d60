// SPDX-License-Identifier: Apache-2.0
#include "importers/text/json_line.hpp"

#include <limits>

#include "event/event_text.hpp"
#include "importers/text/fields.hpp"

namespace spoor::importers {

std::optional<JsonObject> JsonLineParser::Parse(std::string_view line) {
  if (line.empty()) return std::nullopt;  // simdjson copies it, from nowhere
  JsonElement element;
  auto error = parser_.parse(line.data(), line.size(), true).get(element);
  if (error == simdjson::UTF8_ERROR) {
    // Names can be any bytes. \xHH with its backslash escaped, so that it is JSON.
    mended_.clear();
    std::size_t from = 0;
    const std::string spelled = event::MakeUtf8(line);
    // MakeUtf8 leaves what was there: a backslash that it added is one too many for the line.
    for (std::size_t i = 0; i < line.size();) {
      if (from < spelled.size() && spelled[from] == line[i]) {
        mended_ += spelled[from++];
        ++i;
        continue;
      }
      mended_ += '\\';
      mended_ += spelled.substr(from, 4);
      from += 4;
      ++i;
    }
    error = parser_.parse(mended_.data(), mended_.size(), true).get(element);
  }
  JsonObject object;
  if (error != simdjson::SUCCESS || element.get(object) != simdjson::SUCCESS) return std::nullopt;
  return object;
}

std::string_view TextAt(JsonObject object, std::string_view key) {
  std::string_view text;
  if (object.at_key(key).get(text) != simdjson::SUCCESS) return {};
  return text;
}

std::optional<std::uint64_t> NumberAt(JsonObject object, std::string_view key) {
  JsonElement element;
  if (object.at_key(key).get(element) != simdjson::SUCCESS) return std::nullopt;
  std::uint64_t number = 0;
  if (element.get(number) == simdjson::SUCCESS) return number;
  std::string_view text;
  if (element.get(text) == simdjson::SUCCESS) return ParseNumber(text);
  return std::nullopt;
}

std::optional<JsonObject> ObjectAt(JsonObject object, std::string_view key) {
  JsonObject inner;
  if (object.at_key(key).get(inner) != simdjson::SUCCESS) return std::nullopt;
  return inner;
}

std::optional<std::uint16_t> PortAt(JsonObject object, std::string_view key) {
  const auto number = NumberAt(object, key);
  if (!number || *number > std::numeric_limits<std::uint16_t>::max()) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

std::string PlainText(JsonElement element) {
  std::string_view text;
  if (element.get(text) == simdjson::SUCCESS) return std::string(text);
  if (element.is_null()) return {};
  simdjson::dom::array array;
  if (element.get(array) == simdjson::SUCCESS) {
    std::string list;
    for (const JsonElement member : array) {
      if (!list.empty()) list += ',';
      list += PlainText(member);
    }
    return list;
  }
  return simdjson::minify(element);
}

}  // namespace spoor::importers
