// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "http/message.hpp"

namespace spoor::api {

/// What a request asks for in its path and query. All fail with kInvalidArgument, naming the
/// parameter.
class Parameters {
 public:
  explicit Parameters(const http::Request& request) : request_(request) {}

  /// Fails when the query names a parameter that is not among `names`, or one that may not be
  /// repeated twice ("where", "argument" and "rule_off" may).
  Result<> Allow(std::span<const std::string_view> names) const;

  std::string_view Text(std::string_view name) const { return request_.QueryValue(name); }
  bool Has(std::string_view name) const;
  std::vector<std::string> Texts(std::string_view name) const;
  /// A whole number; nothing where it is not there.
  Result<std::optional<std::int64_t>> Integer(std::string_view name) const;
  Result<std::int64_t> Within(std::string_view name, std::int64_t otherwise, std::int64_t min,
                              std::int64_t max) const;
  /// "true" or "false"; false where it is not there.
  Result<bool> Flag(std::string_view name) const;
  /// A {part} of the path as a whole number.
  Result<std::int64_t> Id(std::string_view name) const;

 private:
  const http::Request& request_;
};

/// All of `text` as a whole number.
std::optional<std::int64_t> WholeNumber(std::string_view text);

}  // namespace spoor::api
