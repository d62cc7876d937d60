// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"

namespace spoor::http {

/// What answers requests of one method and one shape of path.
struct Route {
  std::string method;  ///< GET answers HEAD, too
  /// "/v1/sensors/{name}/position": a {name} takes one part of the path, and hands it on as a
  /// parameter; as the last part "{name...}" takes all that is left, slashes included.
  std::string pattern;
  /// Called from several threads.
  std::function<Answer(Request& request)> answer;
  std::size_t body_bytes_max = 0;  ///< of a method that has one
};

/// The first that fits, of those that a server has.
class Routes {
 public:
  explicit Routes(std::vector<Route> routes) : routes_(std::move(routes)) {}

  struct Found {
    const Route* route = nullptr;  ///< null: none
    int status = 404;              ///< then: 404, or 405 (not that method)
  };
  /// Fills request.parameters.
  Found Find(Request& request) const;

 private:
  const std::vector<Route> routes_;
};

}  // namespace spoor::http
