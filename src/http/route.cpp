// SPDX-License-Identifier: Apache-2.0
#include "http/route.hpp"

#include <algorithm>
#include <optional>

namespace spoor::http {
namespace {

using Parameters = std::map<std::string, std::string, std::less<>>;

constexpr std::string_view kRest = "...}";

std::string_view TakePart(std::string_view& rest) {
  const std::string_view part = rest.substr(0, rest.find('/', 1));
  rest.remove_prefix(part.size());
  return part;
}

std::optional<Parameters> Match(std::string_view pattern, std::string_view path) {
  Parameters parameters;
  while (!pattern.empty()) {
    const std::string_view wanted = TakePart(pattern);
    if (!wanted.starts_with("/{")) {
      if (TakePart(path) != wanted) return std::nullopt;
    } else if (wanted.ends_with(kRest)) {
      if (!path.starts_with('/')) return std::nullopt;
      parameters.emplace(wanted.substr(2, wanted.size() - 2 - kRest.size()), path.substr(1));
      return parameters;
    } else {
      const std::string_view part = TakePart(path);
      if (part.size() < 2) return std::nullopt;
      parameters.emplace(wanted.substr(2, wanted.size() - 3), part.substr(1));
    }
  }
  return path.empty() ? std::optional(parameters) : std::nullopt;
}

}  // namespace

Routes::Found Routes::Find(Request& request) const {
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  bool method_known = false;
  bool path_known = false;
  for (const Route& route : routes_) {
    const bool method_fits = route.method == method;
    method_known = method_known || method_fits;
    std::optional<Parameters> parameters = Match(route.pattern, request.path);
    if (!parameters) continue;
    if (method_fits) {
      request.parameters = *std::move(parameters);
      return {.route = &route, .status = 200};
    }
    // What takes all paths knows none of them.
    path_known = path_known || !route.pattern.ends_with(kRest);
  }
  return {.route = nullptr, .status = path_known || !method_known ? 405 : 404};
}

}  // namespace spoor::http
