// SPDX-License-Identifier: Apache-2.0
#include "http/request_head.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spoor::http {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

std::string Head(const std::string& lines) {
  return "POST /a HTTP/1.1\r\n" + lines + "\r\n";
}

int StatusOf(const std::string& head) {
  const auto parsed = ParseRequestHead(head);
  return parsed ? 200 : parsed.error().status;
}

TEST(RequestHead, HasMethodPathQueryAndHeaders) {
  const auto parsed = ParseRequestHead(
      "GET /v1/a%20b/c?x=1&y=%2F+z&only HTTP/1.1\r\nHost: hub\r\nX-One:  two \r\n\r\n");
  ASSERT_TRUE(parsed) << parsed.error().why;
  const Request& request = parsed->request;
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.path, "/v1/a b/c");
  EXPECT_THAT(request.query, ElementsAre(Pair("x", "1"), Pair("y", "/ z"), Pair("only", "")));
  EXPECT_EQ(request.FindHeader("x-one"), "two");
  EXPECT_EQ(request.FindHeader("x-two"), std::nullopt);
  EXPECT_EQ(request.QueryValue("x"), "1");
  EXPECT_TRUE(parsed->keeps_connection);
  EXPECT_FALSE(parsed->has_length);
}

TEST(RequestHead, SaysHowLongTheBodyIsAndWhetherTheConnectionStays) {
  const auto parsed =
      ParseRequestHead(Head("Content-Length: 17\r\nConnection: Close\r\nExpect: 100-Continue\r\n"));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->request.body_bytes, 17U);
  EXPECT_TRUE(parsed->has_length);
  EXPECT_TRUE(parsed->expects_continue);
  EXPECT_FALSE(parsed->keeps_connection);
  EXPECT_FALSE(ParseRequestHead("GET / HTTP/1.0\r\n\r\n")->keeps_connection);
}

// Where two readers differ on where a request ends, the second one is somebody else's.
TEST(RequestHead, RefusesEveryLengthThatCouldBeReadInTwoWays) {
  for (const char* lines :
       {"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        "Content-Length: 3\r\nContent-Length: 3\r\n", "Content-Length: 3\r\ncontent-length: 4\r\n",
        "Content-Length: 3, 3\r\n", "Content-Length: +3\r\n", "Content-Length: -3\r\n",
        "Content-Length: 0x3\r\n", "Content-Length:\r\n", "Content-Length : 3\r\n",
        "Content-Length: 3\r\n folded\r\n", "A: b\nContent-Length: 3\r\n", "A: b\rc\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"}) {
    EXPECT_EQ(StatusOf(Head(lines)), 400) << lines;
  }
  EXPECT_EQ(StatusOf(Head("Transfer-Encoding: chunked\r\n")), 411);
  EXPECT_EQ(StatusOf(Head("Transfer-Encoding: gzip\r\n")), 411);
  EXPECT_EQ(StatusOf(Head("Content-Length: 99999999999999999999\r\n")), 413);
}

TEST(RequestHead, RefusesRangesHoweverMany) {
  std::string many = "bytes=";
  for (int i = 0; i < 3000; ++i) many += "0-,";
  for (const std::string& range :
       {std::string("bytes=0-0"), std::string("bytes=0-99999999999999999999"), many}) {
    EXPECT_EQ(StatusOf(Head("Range: " + range + "\r\n")), 416);
  }
  EXPECT_EQ(StatusOf(Head("Range: bytes=0-1\r\nRange: bytes=0-1\r\n")), 400);
}

TEST(RequestHead, BoundsAddressHeadersAndHead) {
  EXPECT_EQ(StatusOf("GET /" + std::string(kTargetBytesMax, 'a') + " HTTP/1.1\r\n\r\n"), 414);
  std::string lines;
  for (std::size_t i = 0; i < kHeadersMax; ++i) lines += "A: b\r\n";
  EXPECT_EQ(StatusOf(Head(lines)), 200);
  EXPECT_EQ(StatusOf(Head(lines + "A: b\r\n")), 431);
  EXPECT_EQ(StatusOf(Head("A: " + std::string(kHeadBytesMax, 'b') + "\r\n")), 431);
}

TEST(RequestHead, RefusesWhatIsNoRequest) {
  for (const char* head :
       {"", "\r\n\r\n", "GET\r\n\r\n", "GET /\r\n\r\n", " / HTTP/1.1\r\n\r\n",
        "GET http://other/ HTTP/1.1\r\n\r\n", "GET * HTTP/1.1\r\n\r\n", "G(T / HTTP/1.1\r\n\r\n",
        "GET /%zz HTTP/1.1\r\n\r\n", "GET /?a=%0a HTTP/1.1\r\n\r\n",

        "GET /%4 HTTP/1.1\r\n\r\n", "GET /a b\x01 HTTP/1.1\r\n\r\n", "GET /?a=%g1 HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\n\n", "GET / http/1.1\r\n\r\n", "GET / HTTP/1.1\r\n: b\r\n\r\n",
        "GET / HTTP/1.1\r\nA\r\n\r\n", "GET / HTTP/1.1\r\n\r\nmore",
        "GET / HTTP/1.1\r\nA: b\r\n"}) {
    EXPECT_EQ(StatusOf(head), 400) << head;
  }
  EXPECT_EQ(StatusOf("GET /%00 HTTP/1.1\r\n\r\n"), 404);
  EXPECT_EQ(StatusOf("GET / HTTP/2.0\r\n\r\n"), 505);
  EXPECT_EQ(StatusOf(Head("Expect: cake\r\n")), 417);
  EXPECT_EQ(StatusOf(Head("Content-Length: 1\r\nContent-Encoding: gzip\r\n")), 415);
}

}  // namespace
}  // namespace spoor::http
