// SPDX-License-Identifier: Apache-2.0
#include "api/parameters.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

namespace spoor::api {
namespace {

constexpr std::array<std::string_view, 3> kRepeatable{"where", "argument", "rule_off"};

}  // namespace

std::optional<std::int64_t> WholeNumber(std::string_view text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, status] = std::from_chars(text.data(), end, number);
  if (text.empty() || status != std::errc{} || stopped != end) return std::nullopt;
  return number;
}

Result<> Parameters::Allow(std::span<const std::string_view> names) const {
  std::set<std::string_view> seen;
  for (const auto& [name, value] : request_.query) {
    if (std::ranges::find(names, name) == names.end()) {
      return Fail(ErrorCode::kInvalidArgument, "there is no parameter {} here", name);
    }
    const bool repeatable = std::ranges::find(kRepeatable, name) != kRepeatable.end();
    if (!seen.insert(name).second && !repeatable) {
      return Fail(ErrorCode::kInvalidArgument, "{} is given twice", name);
    }
  }
  return {};
}

bool Parameters::Has(std::string_view name) const {
  return std::ranges::any_of(request_.query, [&](const auto& pair) { return pair.first == name; });
}

std::vector<std::string> Parameters::Texts(std::string_view name) const {
  std::vector<std::string> texts;
  for (const auto& [key, value] : request_.query) {
    if (key == name) texts.push_back(value);
  }
  return texts;
}

Result<std::optional<std::int64_t>> Parameters::Integer(std::string_view name) const {
  if (!Has(name)) return std::optional<std::int64_t>();
  const std::optional<std::int64_t> number = WholeNumber(Text(name));
  if (!number) return Fail(ErrorCode::kInvalidArgument, "{} must be a whole number", name);
  return number;
}

Result<std::int64_t> Parameters::Within(std::string_view name, std::int64_t otherwise,
                                        std::int64_t min, std::int64_t max) const {
  ASSIGN_OR_RETURN(const std::optional<std::int64_t> number, Integer(name));
  if (!number) return otherwise;
  if (*number < min || *number > max) {
    return Fail(ErrorCode::kInvalidArgument, "{} must be {} to {}", name, min, max);
  }
  return *number;
}

Result<bool> Parameters::Flag(std::string_view name) const {
  const std::string_view text = Text(name);
  if (Has(name) && text != "true" && text != "false") {
    return Fail(ErrorCode::kInvalidArgument, "{} must be true or false", name);
  }
  return text == "true";
}

Result<std::int64_t> Parameters::Id(std::string_view name) const {
  const std::optional<std::int64_t> id = WholeNumber(request_.Parameter(name));
  if (!id) return Fail(ErrorCode::kInvalidArgument, "{} must be a whole number", name);
  return *id;
}

}  // namespace spoor::api
