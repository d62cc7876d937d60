// SPDX-License-Identifier: Apache-2.0
#include "http/route.hpp"

#include <gtest/gtest.h>

namespace spoor::http {
namespace {

Routes Made(std::vector<std::pair<std::string, std::string>> shapes) {
  std::vector<Route> routes;
  for (const auto& [method, pattern] : shapes) {
    routes.push_back({.method = method, .pattern = pattern, .answer = nullptr});
  }
  return Routes(std::move(routes));
}

/// "PATTERN name=value …", or the status.
std::string Found(const Routes& routes, const std::string& method, const std::string& path) {
  Request request;
  request.method = method;
  request.path = path;
  const Routes::Found found = routes.Find(request);
  if (found.route == nullptr) return std::to_string(found.status);
  std::string text = found.route->pattern;
  for (const auto& [name, value] : request.parameters) text += " " + name + "=" + value;
  return text;
}

TEST(Routes, TakeNamedPartsOutOfThePath) {
  const Routes routes = Made({{"GET", "/v1/sensors/{sensor}/position"},
                              {"POST", "/v1/sensors/{sensor}/batches/{sequence}"},
                              {"GET", "/files/{file...}"}});
  EXPECT_EQ(Found(routes, "GET", "/v1/sensors/web-1/position"),
            "/v1/sensors/{sensor}/position sensor=web-1");
  EXPECT_EQ(Found(routes, "HEAD", "/v1/sensors/web-1/position"),
            "/v1/sensors/{sensor}/position sensor=web-1");
  EXPECT_EQ(Found(routes, "POST", "/v1/sensors/web-1/batches/7"),
            "/v1/sensors/{sensor}/batches/{sequence} sensor=web-1 sequence=7");
  EXPECT_EQ(Found(routes, "GET", "/files/a/b"), "/files/{file...} file=a/b");
  EXPECT_EQ(Found(routes, "GET", "/files/"), "/files/{file...} file=");
}

TEST(Routes, DoNotFitWhatIsLongerShorterOrEmpty) {
  const Routes routes = Made({{"GET", "/v1/sensors/{sensor}/position"}, {"GET", "/v1/ca"}});
  for (const char* path : {"/", "/v1", "/v1/", "/v1/ca/", "/v1/cab", "/v1/sensors//position",
                           "/v1/sensors/a/position/b", "/v1/sensors/a/b/position"}) {
    EXPECT_EQ(Found(routes, "GET", path), "404") << path;
  }
}

TEST(Routes, SayWhetherThePathOrTheMethodIsWrong) {
  const Routes routes = Made({{"GET", "/{path...}"}, {"POST", "/add"}, {"GET", "/v1/ca"}});
  EXPECT_EQ(Found(routes, "DELETE", "/add"), "405");
  EXPECT_EQ(Found(routes, "POST", "/v1/ca"), "405");
  EXPECT_EQ(Found(routes, "POST", "/other"), "404");
  EXPECT_EQ(Found(Made({{"GET", "/{path...}"}}), "POST", "/other"), "405");
}

}  // namespace
}  // namespace spoor::http
