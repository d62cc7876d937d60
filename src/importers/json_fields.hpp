// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <simdjson.h>

#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.hpp"

/// One JSON value into one member, with an error that says what was expected.
namespace spoor::importers {

using Json = simdjson::dom::element;

inline Result<> Read(Json json, bool& value) {
  if (json.get(value) != simdjson::SUCCESS)
    return Fail(ErrorCode::kCorrupt, "is not true or false");
  return {};
}

inline Result<> Read(Json json, std::string& value) {
  std::string_view text;
  if (json.get(text) != simdjson::SUCCESS) return Fail(ErrorCode::kCorrupt, "is not text");
  value = text;
  return {};
}

template <typename T>
requires std::is_integral_v<T> Result<> Read(Json json, T& value) {
  using Wide = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;
  Wide wide = 0;
  if (json.get(wide) != simdjson::SUCCESS || wide < std::numeric_limits<T>::min() ||
      wide > std::numeric_limits<T>::max()) {
    return Fail(ErrorCode::kCorrupt, "is not an integer of {} to {}", std::numeric_limits<T>::min(),
                std::numeric_limits<T>::max());
  }
  value = static_cast<T>(wide);
  return {};
}

inline Result<> Read(Json json, std::vector<std::string>& value) {
  simdjson::dom::array array;
  if (json.get(array) != simdjson::SUCCESS)
    return Fail(ErrorCode::kCorrupt, "is not a list of texts");
  for (const Json item : array) {
    RETURN_IF_ERROR(Read(item, value.emplace_back()));
  }
  return {};
}

/// Calls `read(key, value)` for every member of `json`; it returns false for an unknown key. Errors
/// say which key of `name` is wrong.
template <typename ReadMember>
Result<> ReadMembers(simdjson::dom::object object, std::string_view name, ReadMember&& read) {
  for (const simdjson::dom::key_value_pair member : object) {
    const std::string full =
        name.empty() ? std::string(member.key) : fmt::format("{}.{}", name, member.key);
    Result<bool> known = read(member.key, member.value);
    if (!known) {
      return Fail(known.error().code, "{}{}{}", full,
                  known.error().message.starts_with('.') ? "" : " ", known.error().message);
    }
    if (!*known) return Fail(ErrorCode::kCorrupt, "unknown key \"{}\"", full);
  }
  return {};
}

/// As Read into `value`, as what a member reader returns: true.
template <typename T>
Result<bool> Take(Json json, T& value) {
  RETURN_IF_ERROR(Read(json, value));
  return true;
}

}  // namespace spoor::importers
