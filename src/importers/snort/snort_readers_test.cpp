// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "base/time.hpp"
#include "importers/reading_for_tests.hpp"

namespace spoor::importers {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

const ImportOptions kOptions{.host = "h", .time = {.year = 2017, .utc_offset_ns = 0}};

const std::string kFast =
    "11/27-13:01:46.385525  [**] [1:2466:7] NETBIOS [odd] message [**] [Classification: Bad Thing] "
    "[Priority: 3] {TCP} 10.0.0.1:4000 -> 10.0.0.2:80\n";
const std::string kFull =
    "[**] [1:2466:7] A message [**]\n"
    "[Classification: Bad Thing] [Priority: 3] \n"
    "11/27-13:01:46.385525 10.0.0.1:4000 -> 10.0.0.2:80\n"
    "TCP TTL:128 TOS:0x0 ID:5 IpLen:20 DgmLen:40 DF\n"
    "***AP*** Seq: 0x1  Ack: 0x2  Win: 0x3  TcpLen: 20\n"
    "[Xref => http://example.org]\n"
    "\n"
    "[**] [116:1:1] Another [**]\n"
    "[Priority: 2] \n"
    "11/27-13:01:47.000000 02:01:02:03:04:05 -> 02:09:08:07:06:05 type:0x800 len:0x5E\n"
    "10.0.0.3 -> 10.0.0.4 ICMP TTL:64 TOS:0x0 ID:5 IpLen:20 DgmLen:40\n"
    "Type:8  Code:0  ID:1   Seq:1  ECHO\n";

TEST(SnortReaders, TakeAnAlertOfOneLine) {
  const Reading reading = ReadAs("snort-fast", kFast, kOptions);
  ASSERT_THAT(reading.findings.alerts, SizeIs(1));
  const event::AlertSighting& alert = reading.findings.alerts[0];
  EXPECT_EQ(alert.source, "snort");
  EXPECT_EQ(alert.generator_id, 1);
  EXPECT_EQ(alert.signature_id, 2466);
  EXPECT_EQ(alert.signature, "NETBIOS [odd] message");
  EXPECT_EQ(alert.classification, "Bad Thing");
  EXPECT_EQ(alert.priority, 3);
  EXPECT_EQ(FormatWallTime(alert.wall_ns), "2017-11-27T13:01:46.385525000Z");
  EXPECT_EQ(alert.flow.ends.transport, "tcp");
  EXPECT_EQ(alert.flow.ends.source_port, 4000);
  EXPECT_EQ(alert.flow.ends.destination_ip, "10.0.0.2");
}

TEST(SnortReaders, KnowSuricataByItsYear) {
  const Reading reading = ReadAs(
      "snort-fast",
      "05/10/2010-10:08:59.667372  [Drop] [**] [1:2009187:4] ET WEB [**] [Classification: Web] "
      "[Priority: 1] {UDP} 2001:db8::1:5116 -> 2001:db8::2:5060\n");
  ASSERT_THAT(reading.findings.alerts, SizeIs(1));
  EXPECT_EQ(reading.findings.alerts[0].source, "suricata");
  EXPECT_EQ(reading.findings.alerts[0].flow.ends.source_ip, "2001:db8::1");
  EXPECT_EQ(reading.findings.alerts[0].flow.ends.destination_port, 5060);
}

TEST(SnortReaders, RefuseTimesWithoutAYearWhenNobodySaysIt) {
  EXPECT_THAT(ReadAs("snort-fast", kFast).error, HasSubstr("--year"));
  EXPECT_THAT(ReadAs("snort-full", kFull).error, HasSubstr("--year"));
}

TEST(SnortReaders, TakeAlertsOfSeveralLinesWithAndWithoutALinkLayer) {
  const Reading reading = ReadAs("snort-full", kFull, kOptions);
  EXPECT_EQ(reading.counts.malformed_count, 0);
  ASSERT_THAT(reading.findings.alerts, SizeIs(2));
  const event::AlertSighting& first = reading.findings.alerts[0];
  EXPECT_EQ(first.signature, "A message");
  EXPECT_EQ(first.classification, "Bad Thing");
  EXPECT_EQ(first.flow.ends.transport, "tcp");
  EXPECT_EQ(first.flow.ends.destination_port, 80);
  const event::AlertSighting& second = reading.findings.alerts[1];
  EXPECT_EQ(second.generator_id, 116);
  EXPECT_EQ(second.priority, 2);
  EXPECT_EQ(second.flow.ends.transport, "icmp");
  EXPECT_EQ(second.flow.ends.source_ip, "10.0.0.3");
  EXPECT_EQ(second.flow.ends.source_port, std::nullopt);
}

TEST(SnortReaders, TakeAlertsOutOfSyslogAndKeepTheOtherLines) {
  const Reading reading = ReadAs(
      "snort-syslog",
      "Nov 27 13:01:46 ids snort[99]: [1:2466:7] A message [Classification: Bad] [Priority: 3]: "
      "<eth0> {UDP} 10.0.0.1:1 -> 10.0.0.2:2\n"
      "Nov 27 13:01:47 ids sshd[1]: something else\n",
      kOptions);
  ASSERT_THAT(reading.findings.alerts, SizeIs(1));
  EXPECT_EQ(reading.findings.alerts[0].signature, "A message");
  EXPECT_EQ(reading.findings.alerts[0].flow.ends.destination_port, 2);
  ASSERT_THAT(reading.findings.log_lines, SizeIs(1));
  EXPECT_THAT(reading.findings.log_lines[0].message, HasSubstr("something else"));
}

TEST(SnortReaders, TakeTheMomentOfJsonFromItsSecondsAndTheDirectionFromItsWord) {
  const Reading reading = ReadAs(
      "snort-json",
      R"({ "seconds" : 1511787706, "timestamp" : "11/27-13:01:46.385525", "rule" : "1:19769:6", )"
      R"("msg" : "m", "class" : "none", "priority" : 1, "proto" : "TCP", "dir" : "S2C", )"
      R"("src_ap" : "10.0.0.2:80", "dst_ap" : "10.0.0.1:4000", "service" : "http" })");
  ASSERT_THAT(reading.findings.alerts, SizeIs(1));
  const event::AlertSighting& alert = reading.findings.alerts[0];
  EXPECT_EQ(alert.wall_ns, 1511787706385525000);
  EXPECT_EQ(alert.signature_id, 19769);
  EXPECT_EQ(alert.classification, "");
  EXPECT_EQ(alert.flow.ends.source_port, 4000);
  EXPECT_EQ(alert.flow.application, "http");
}

TEST(SnortReaders, CountAlertsThatAreCutOff) {
  const Reading reading =
      ReadAs("snort-full", "[**] [1:1:1] Cut [**]\n[Priority: 1]\n" + kFull, kOptions);
  EXPECT_THAT(reading.findings.alerts, SizeIs(2));
  EXPECT_EQ(reading.counts.malformed_count, 1);
}

TEST(SnortCsvReader, TakesTheColumnsOfBothVersions) {
  const std::string old =
      "01/02/24-03:04:05.000001 ,1,2000,3,\"a, b\",TCP,10.0.0.1,1000,10.0.0.2,22,0:1:2:3:4:5\n";
  const std::string newer =
      "01/02-03:04:05.000001, 1, TCP, raw, 88, S2C, 10.0.0.2:22, 10.0.0.1:1000, 1:2000:3, allow\n";
  const ImportOptions options{.host = "h", .time = {.year = 2024, .utc_offset_ns = 0}};
  for (const std::string& text : {old, newer}) {
    EXPECT_EQ(DetectImporterKind(text)->name, "snort-csv");
    const Reading reading = ReadAs("snort-csv", text + "x,y\n", options);
    EXPECT_EQ(reading.counts.malformed_count, 1);
    ASSERT_EQ(reading.findings.alerts.size(), 1);
    const event::AlertSighting& alert = reading.findings.alerts[0];
    EXPECT_EQ(alert.generator_id, 1);
    EXPECT_EQ(alert.signature_id, 2000);
    EXPECT_EQ(alert.wall_ns, 1704164645000001000);
    EXPECT_EQ(alert.flow.ends.source_ip, "10.0.0.1");
    EXPECT_EQ(alert.flow.ends.source_port, 1000);
    EXPECT_EQ(alert.flow.ends.destination_ip, "10.0.0.2");
    EXPECT_EQ(alert.flow.ends.destination_port, 22);
  }
}

TEST(SnortCsvReader, TakesNoOtherRulesForThoseOfSnort) {
  const std::string text =
      "{\"timestamp\":\"2024-01-02T03:04:05Z\",\"rule\":{\"level\":5},\"full_log\":\"x\"}\n";
  EXPECT_EQ(DetectImporterKind(text), nullptr);
}

}  // namespace
}  // namespace spoor::importers
