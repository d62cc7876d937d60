// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>

/// For *_adapter.cpp files only: JSON that somebody else wrote.
namespace spoor::store {

struct JsonBounds {
  int depth_max = 16;
  std::size_t values_max = 4'000'000;  ///< values and names
};

/// Parses no deeper and no more than `bounds` say, so that a small text cannot fill the memory.
/// `Json`: nlohmann::json or its ordered kind. Throws nlohmann::json::exception.
template <typename Json>
Json ParseBoundedJson(std::string_view text, const JsonBounds& bounds = {}) {
  std::size_t value_count = 0;
  const auto bound = [&](int depth, typename Json::parse_event_t, Json&) {
    if (depth > bounds.depth_max) {
      throw nlohmann::json::other_error::create(599, "nested too deeply", nullptr);
    }
    if (++value_count > bounds.values_max) {
      throw nlohmann::json::other_error::create(599, "too many values", nullptr);
    }
    return true;
  };
  return Json::parse(text, bound);
}

}  // namespace spoor::store
