// SPDX-License-Identifier: Apache-2.0
#include "http/url.hpp"

#include <gtest/gtest.h>

namespace spoor::http {
namespace {

TEST(Url, HasSchemeHostPortAndPath) {
  const auto url = ParseUrl("https://[2001:db8::1]:8443/a/b/");
  ASSERT_TRUE(url) << url.error().message;
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->host, "2001:db8::1");
  EXPECT_EQ(url->port, 8443);
  EXPECT_TRUE(url->port_said);
  EXPECT_EQ(url->path, "/a/b");
  EXPECT_EQ(url->Origin(), "https://[2001:db8::1]:8443");
  const auto plain = ParseUrl("http://hub.example/");
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_FALSE(plain->tls);
  EXPECT_EQ(plain->port, 80);
  EXPECT_FALSE(plain->port_said);
  EXPECT_EQ(plain->path, "");
  EXPECT_EQ(ParseUrl("https://hub")->port, 443);
}

TEST(Url, RefusesWhatItCannotConnectTo) {
  for (const char* text :
       {"", "hub", "ftp://hub", "http://", "https://:1", "https://hub:", "https://hub:0",
        "https://hub:65536", "https://hub:1x", "https://[::1", "https://user@hub", "https://hub/?q",
        "https://hub/#f", "https://hub/ a", "https://hub\r\nX: y", "https://a\\b", "https://[]"}) {
    EXPECT_FALSE(ParseUrl(text)) << text;
  }
}

}  // namespace
}  // namespace spoor::http
