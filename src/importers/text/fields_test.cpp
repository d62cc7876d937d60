// SPDX-License-Identifier: Apache-2.0
#include "importers/text/fields.hpp"

#include <gmock/gmock.h>

#include "importers/text/json_line.hpp"
#include "importers/text/sockaddr.hpp"

namespace spoor::importers {
namespace {

TEST(Fields, SpellsEachAddressInOneWay) {
  EXPECT_EQ(ParseAddress("10.0.0.1"), "10.0.0.1");
  EXPECT_EQ(ParseAddress("2001:0DB8:0:0::1"), "2001:db8::1");
  EXPECT_EQ(ParseAddress("0000:0000:0000:0000:0000:ffff:0a09:0807"), "10.9.8.7");
  EXPECT_EQ(ParseAddress("fe80::1%eth0"), "fe80::1");
  for (const char* text : {"", "10.0.0", "10.0.0.256", "x", "::1::"}) {
    EXPECT_EQ(ParseAddress(text), "") << text;
  }
}

TEST(Fields, TellsThePortOfAnAddressOfSixFromItsLastPart) {
  EXPECT_EQ(ParseAddressAndPort("10.0.0.1:80")->port, 80);
  EXPECT_EQ(ParseAddressAndPort("10.0.0.1")->port, std::nullopt);
  EXPECT_EQ(ParseAddressAndPort("[2001:db8::1]:80")->port, 80);
  const auto whole = ParseAddressAndPort("2001:0db8:0000:0000:0000:0000:0000:0001:443");
  EXPECT_EQ(whole->ip, "2001:db8::1");
  EXPECT_EQ(whole->port, 443);
  EXPECT_EQ(ParseAddressAndPort("10.0.0.1:99999"), std::nullopt);
}

TEST(Fields, NamesTransports) {
  EXPECT_EQ(TransportOf("TCP"), "tcp");
  EXPECT_EQ(TransportOf("IPv6-ICMP"), "icmp6");
  EXPECT_EQ(TransportOf("47"), "gre");
  EXPECT_EQ(TransportOf(std::uint64_t{254}), "254");
}

TEST(JsonLine, KeepsBytesThatAreNotText) {
  JsonLineParser parser;
  const auto object = parser.Parse("{\"a\":\"x\xff\\ny\"}");
  ASSERT_TRUE(object);
  EXPECT_EQ(TextAt(*object, "a"), "x\\xFF\ny");
}

TEST(SocketAddress, ReadsEachFamily) {
  const auto inet = ParseSocketAddress(*HexBytes("020000500A000001"));
  EXPECT_EQ(inet->ip, "10.0.0.1");
  EXPECT_EQ(inet->port, 80);
  const auto unix_name = ParseSocketAddress(*HexBytes("01002F746D702F7300"));
  EXPECT_EQ(unix_name->unix_path, "/tmp/s");
  EXPECT_EQ(ParseSocketAddress(*HexBytes("0100006162"))->unix_path, "@ab");
  EXPECT_FALSE(ParseSocketAddress(*HexBytes("02000050")));
}

}  // namespace
}  // namespace spoor::importers
