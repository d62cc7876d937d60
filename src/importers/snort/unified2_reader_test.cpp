// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "importers/reading_for_tests.hpp"
#include "importers/text/fields.hpp"

namespace spoor::importers {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

std::string Big(std::uint64_t number, std::size_t size = 4) {
  std::string bytes;
  for (std::size_t i = size; i-- > 0;) bytes += static_cast<char>(number >> (8 * i) & 0xff);
  return bytes;
}

std::string Record(std::uint32_t type, const std::string& body) {
  return Big(type) + Big(body.size()) + body;
}

std::string EventBody(std::uint32_t id, const std::string& source, const std::string& destination) {
  return Big(1) + Big(id) + Big(1700000000) + Big(250000) + Big(2466) + Big(1) + Big(7) + Big(12) +
         Big(3) + AddressBytes(source) + AddressBytes(destination) + Big(4000, 2) + Big(80, 2) +
         Big(6, 1) + Big(0, 3);
}

std::string Packet(std::uint32_t id, const std::string& data) {
  return Record(2, Big(1) + Big(id) + Big(1700000000) + Big(1700000000) + Big(250001) + Big(1) +
                       Big(data.size()) + data);
}

TEST(Unified2Reader, TakesEventsOfEachVersionAndFamily) {
  const std::string v2 = Big(0, 8);
  const std::string text =
      Record(7, EventBody(1, "10.0.0.1", "10.0.0.2")) +
      Record(72, EventBody(2, "2001:db8::1", "2001:db8::2")) +
      Record(104, EventBody(3, "10.0.0.1", "10.0.0.2") + v2) +
      Record(105, EventBody(4, "2001:db8::1", "2001:db8::2") + v2) +
      Record(111, EventBody(5, "10.0.0.1", "10.0.0.2") + v2 + std::string("http\0\0", 6));
  const Reading reading = ReadAs("unified2", text);
  EXPECT_EQ(reading.counts.malformed_count, 0);
  ASSERT_THAT(reading.findings.alerts, SizeIs(5));
  const event::AlertSighting& alert = reading.findings.alerts[0];
  EXPECT_EQ(alert.wall_ns, 1700000000250000000);
  EXPECT_EQ(alert.signature_id, 2466);
  EXPECT_EQ(alert.classification, "12");
  EXPECT_EQ(alert.flow.ends.source_port, 4000);
  EXPECT_EQ(reading.findings.alerts[3].flow.ends.source_ip, "2001:db8::1");
  EXPECT_EQ(reading.findings.alerts[4].flow.application, "http");
}

TEST(Unified2Reader, GivesPacketsToTheirEventsInEitherOrder) {
  const std::string text = Packet(2, "before") + Record(7, EventBody(1, "10.0.0.1", "10.0.0.2")) +
                           Packet(1, "one") + Packet(1, "two") +
                           Record(7, EventBody(2, "10.0.0.1", "10.0.0.2")) + Packet(3, "nobody's");
  for (const std::size_t part : {1U, 9U, 4096U}) {
    const Reading reading = ReadAs("unified2", text, {.host = "h", .time = {}}, part);
    ASSERT_THAT(reading.findings.alerts, SizeIs(2));
    ASSERT_THAT(reading.findings.alerts[0].packets, SizeIs(2));
    EXPECT_EQ(reading.findings.alerts[0].packets[1].data, "two");
    ASSERT_THAT(reading.findings.alerts[1].packets, SizeIs(1));
    EXPECT_EQ(reading.counts.not_decoded_count, 1);
  }
}

TEST(Unified2Reader, KeepsExtraDataAsALine) {
  const std::string uri = "/index.html";
  const Reading reading =
      ReadAs("unified2", Record(110, Big(4) + Big(44) + Big(1) + Big(7) + Big(1700000000) + Big(9) +
                                         Big(1) + Big(uri.size() + 8) + uri));
  ASSERT_THAT(reading.findings.log_lines, SizeIs(1));
  EXPECT_THAT(reading.findings.log_lines[0].message, HasSubstr("uri: /index.html"));
}

TEST(Unified2Reader, ReadsNothingBehindALengthThatCannotBe) {
  const std::string event = Record(7, EventBody(1, "10.0.0.1", "10.0.0.2"));
  const Reading reading = ReadAs("unified2", event + Big(7) + Big(0xffffffff) + event);
  EXPECT_THAT(reading.findings.alerts, SizeIs(1));
  EXPECT_EQ(reading.counts.malformed_count, 1);
  for (std::size_t size = 1; size < event.size(); ++size) {
    EXPECT_EQ(ReadAs("unified2", event.substr(0, size)).counts.malformed_count, 1) << size;
  }
}

}  // namespace
}  // namespace spoor::importers
