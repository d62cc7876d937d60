// SPDX-License-Identifier: Apache-2.0
#include "api/filter.hpp"

#include <gtest/gtest.h>

#include <array>

namespace spoor::api {
namespace {

http::Request Asking(std::vector<std::pair<std::string, std::string>> query) {
  http::Request request;
  request.query = std::move(query);
  return request;
}

TEST(Parameters, RefusesWhatIsNotKnownOrGivenTwice) {
  constexpr std::array<std::string_view, 2> kNames{"limit", "where"};
  const auto allowed = [&](std::vector<std::pair<std::string, std::string>> query) {
    const http::Request request = Asking(std::move(query));
    return Parameters(request).Allow(kNames).has_value();
  };
  EXPECT_TRUE(allowed({{"limit", "1"}, {"where", "a:b"}, {"where", "c:d"}}));
  EXPECT_FALSE(allowed({{"limit", "1"}, {"limit", "2"}}));
  EXPECT_FALSE(allowed({{"offset", "1"}}));
}

TEST(Parameters, ReadsWholeNumbersOnly) {
  const http::Request request =
      Asking({{"a", "12"}, {"b", "1x"}, {"c", ""}, {"d", "9223372036854775808"}, {"e", "-3"}});
  const Parameters parameters(request);
  EXPECT_EQ(*parameters.Integer("a"), 12);
  EXPECT_EQ(*parameters.Integer("e"), -3);
  for (const char* name : {"b", "c", "d"}) EXPECT_FALSE(parameters.Integer(name)) << name;
  EXPECT_FALSE(parameters.Integer("z")->has_value());
  EXPECT_FALSE(parameters.Within("a", 5, 1, 10));
  EXPECT_EQ(*parameters.Within("z", 5, 1, 10), 5);
}

TEST(Condition, StarStandsForAnyCharacters) {
  const auto matches = [](const char* pattern, const char* text) {
    return Condition{.field = "f", .value = pattern, .negated = false}.Matches(text);
  };
  EXPECT_TRUE(matches("nginx", "nginx"));
  EXPECT_FALSE(matches("nginx", "nginx2"));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("10.*", "10.1.2.3"));
  EXPECT_TRUE(matches("*.php", "/a/b.php"));
  EXPECT_TRUE(matches("/a*b*c", "/a1b2c"));
  EXPECT_FALSE(matches("/a*b*c", "/a1c2b"));
  EXPECT_FALSE(matches("ab*ba", "aba"));
}

TEST(Filter, BindsTextAndEscapesPatterns) {
  const http::Request request = Asking({{"where", "name:a%_!*'"}, {"where", "-uid:0"}});
  const auto conditions = ConditionsOf(Parameters(request));
  ASSERT_TRUE(conditions);
  Filter filter;
  ASSERT_TRUE(filter.AddAll(*conditions, {{"name", "p.name"}, {"uid", "p.uid"}}));
  EXPECT_EQ(filter.Sql().find('\'' + std::string("a")), std::string::npos);
  EXPECT_NE(filter.Sql().find("AND NOT coalesce(CAST(p.uid AS VARCHAR) LIKE $2"),
            std::string::npos);
  ASSERT_EQ(filter.values().size(), 2u);
  EXPECT_EQ(std::get<std::string>(filter.values()[0]), "a!%!_!!%'");
}

TEST(Filter, RefusesUnknownFieldsAndWhatIsNoCondition) {
  Filter filter;
  EXPECT_FALSE(filter.AddAll({{.field = "nope", .value = "1"}}, {{"name", "p.name"}}));
  for (const char* text : {"", "name", ":x"}) {
    const http::Request request = Asking({{"where", text}});
    EXPECT_FALSE(ConditionsOf(Parameters(request))) << text;
  }
  std::vector<std::pair<std::string, std::string>> many(33, {"where", "name:x"});
  const http::Request request = Asking(std::move(many));
  EXPECT_FALSE(ConditionsOf(Parameters(request)));
}

TEST(Cursor, ComesBackAsItWas) {
  const Cursor cursor{INT64_MIN, INT64_MAX};
  const http::Request request = Asking({{"cursor", cursor.Text()}});
  const auto back = Cursor::Of(Parameters(request));
  ASSERT_TRUE(back && *back);
  EXPECT_EQ((*back)->first, INT64_MIN);
  EXPECT_EQ((*back)->second, INT64_MAX);
  const http::Request wrong = Asking({{"cursor", "12"}});
  EXPECT_FALSE(Cursor::Of(Parameters(wrong)));
}

TEST(Page, SaysWhereItEndsOnlyIfThereIsMore) {
  Json rows = Json::array({{{"t_ns", "5"}, {"id", "1"}}, {{"t_ns", "6"}, {"id", "2"}}});
  EXPECT_TRUE(PageOf(rows, 2, "t_ns", "id")["next_cursor"].is_null());
  const Json page = PageOf(rows, 1, "t_ns", "id");
  EXPECT_EQ(page["rows"].size(), 1u);
  EXPECT_EQ(page["next_cursor"], "5.1");
}

}  // namespace
}  // namespace spoor::api
