// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "base/time.hpp"
#include "importers/reading_for_tests.hpp"

namespace spoor::importers {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

const ImportOptions kOptions{.host = "h", .time = {.year = 2023, .utc_offset_ns = 0}};

TEST(SyslogReader, TakesEachFormOfALine) {
  const std::string text =
      "Feb 12 14:10:21 web1 sshd[16378]: Invalid user a from 10.0.0.9 port 53502\n"
      "<38>1 2023-02-12T14:10:22+01:00 web2 sshd 44255 - [meta a=\"x\\]y\"][b c=\"d\"] Failed\n"
      "2023-02-12T14:10:23.5Z web3 cron: started\n"
      "<165>1 - 192.0.2.1 myproc 8710 - - no time\n";
  const Reading reading = ReadAs("syslog", text, kOptions);
  EXPECT_EQ(reading.counts.malformed_count, 0);
  ASSERT_THAT(reading.findings.log_lines, SizeIs(4));
  const auto& lines = reading.findings.log_lines;
  EXPECT_EQ(lines[0].host, "web1");
  EXPECT_EQ(lines[0].program, "sshd");
  EXPECT_EQ(lines[0].message, "Invalid user a from 10.0.0.9 port 53502");
  EXPECT_EQ(FormatWallTime(*lines[0].wall_ns), "2023-02-12T14:10:21.000000000Z");
  EXPECT_EQ(lines[1].program, "sshd");
  EXPECT_EQ(lines[1].message, "Failed");
  EXPECT_EQ(FormatWallTime(*lines[1].wall_ns), "2023-02-12T13:10:22.000000000Z");
  EXPECT_EQ(lines[2].message, "started");
  EXPECT_EQ(lines[3].wall_ns, std::nullopt);
  EXPECT_EQ(lines[3].message, "no time");
}

TEST(SyslogReader, TakesWhatJournalctlShows) {
  const std::string text =
      "-- Journal begins at Mon 2023-02-06 10:00:00 UTC, ends at Sun 2023-02-12 15:00:00 UTC. --\n"
      "1676211021.500000 web sshd[7]: one\n"
      "Sun 2023-02-12 14:10:22 UTC web sshd[7]: two\n"
      "-- Boot 0123456789abcdef0123456789abcdef --\n"
      "2023-02-12T14:10:23+0000 web sshd[7]: three\n";
  const Reading reading = ReadAs("syslog", text, kOptions);
  EXPECT_EQ(DetectImporterKind(text)->name, "sshd-log");
  EXPECT_EQ(reading.counts.malformed_count, 0);
  ASSERT_THAT(reading.findings.log_lines, SizeIs(3));
  const auto& lines = reading.findings.log_lines;
  EXPECT_EQ(FormatWallTime(*lines[0].wall_ns), "2023-02-12T14:10:21.500000000Z");
  EXPECT_EQ(FormatWallTime(*lines[1].wall_ns), "2023-02-12T14:10:22.000000000Z");
  for (const auto& line : lines) {
    EXPECT_EQ(line.host, "web");
    EXPECT_EQ(line.program, "sshd");
  }
}

TEST(SyslogReader, TakesAPacketThatTheFilterLogged) {
  const std::string text =
      "Jun  8 14:34:33 gate kernel: [5.0] DROP IN=e0 OUT= MAC=00 SRC=10.0.0.1 DST=10.0.0.2 LEN=40 "
      "PROTO=TCP SPT=8080 DPT=8123 SYN\n"
      "0 3 PVEFW-HOST-IN 20/Jun/2022:13:09:14 +0200 policy DROP: IN=v SRC=10.0.0.1 DST=10.0.0.2 "
      "PROTO=UDP SPT=1 DPT=2 LEN=32\n";
  EXPECT_EQ(DetectImporterKind(text)->name, "iptables");
  const Reading reading = ReadAs("iptables", text, kOptions);
  ASSERT_THAT(reading.findings.flows, SizeIs(2));
  EXPECT_EQ(reading.findings.flows[0].ends.destination_port, 8123);
  EXPECT_EQ(reading.findings.flows[0].source_packets, 1);
  EXPECT_EQ(FormatWallTime(reading.findings.flows[1].begin_wall_ns),
            "2022-06-20T11:09:14.000000000Z");
  EXPECT_THAT(reading.findings.log_lines, SizeIs(2));
}

TEST(SyslogReader, TakesAYearInTheLineAndDoesNotTakeAProgramForAHost) {
  const std::string text =
      "Feb 12 2019 14:10:21 web sshd[7]: one\n"
      "2019 Feb  2 14:10:22 web sshd[7]: two\n"
      "<86>Feb 12 14:10:23 sshd[7]: three\n";
  const Reading reading = ReadAs("syslog", text, kOptions);
  EXPECT_EQ(DetectImporterKind(text)->name, "sshd-log");
  const auto& lines = reading.findings.log_lines;
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_EQ(FormatWallTime(*lines[0].wall_ns), "2019-02-12T14:10:21.000000000Z");
  EXPECT_EQ(FormatWallTime(*lines[1].wall_ns), "2019-02-02T14:10:22.000000000Z");
  EXPECT_EQ(FormatWallTime(*lines[2].wall_ns), "2023-02-12T14:10:23.000000000Z");
  EXPECT_EQ(lines[0].host, "web");
  EXPECT_EQ(lines[1].host, "web");
  EXPECT_EQ(lines[2].host, "");
  for (const auto& line : lines) EXPECT_EQ(line.program, "sshd");
  EXPECT_EQ(lines[2].message, "three");
}

TEST(AccessLogReader, TakesRequestsAsJson) {
  const std::string text =
      "{\"time_local\":\"10/Oct/2000:13:55:36 "
      "-0700\",\"remote_addr\":\"10.0.0.1\",\"request\":\"GET /\"}\n"
      "{\"ts\":971211336.5,\"request\":{\"remote_ip\":\"10.0.0.1\",\"uri\":\"/\"}}\n";
  EXPECT_EQ(DetectImporterKind(text)->name, "access-log");
  const Reading reading = ReadAs("access-log", text);
  ASSERT_THAT(reading.findings.log_lines, SizeIs(2));
  EXPECT_EQ(FormatWallTime(*reading.findings.log_lines[0].wall_ns),
            "2000-10-10T20:55:36.000000000Z");
  EXPECT_EQ(FormatWallTime(*reading.findings.log_lines[1].wall_ns),
            "2000-10-10T20:55:36.500000000Z");
}

TEST(SyslogReader, TakesWhatSuricataWritesThereForItsLog) {
  const std::string eve =
      R"({"timestamp":"2023-02-12T14:10:20.5+0000","flow_id":7,"event_type":"alert","src_ip":"10.0.0.1",)"
      R"("src_port":4000,"dest_ip":"10.0.0.2","dest_port":80,"proto":"TCP",)"
      R"("alert":{"gid":1,"signature_id":9,"signature":"a rule","severity":1}})";
  const Reading reading =
      ReadAs("syslog",
             "Feb 12 14:10:21 ids suricata[7]: " + eve + "\nFeb 12 14:10:22 ids suricata[7]: {\n" +
                 "Feb 12 14:10:23 ids other[7]: " + eve + "\n",
             kOptions);
  EXPECT_EQ(reading.counts.malformed_count, 0);
  ASSERT_THAT(reading.findings.alerts, SizeIs(1));
  EXPECT_EQ(reading.findings.alerts[0].signature, "a rule");
  EXPECT_EQ(FormatWallTime(reading.findings.alerts[0].wall_ns), "2023-02-12T14:10:20.500000000Z");
  EXPECT_THAT(reading.findings.log_lines, SizeIs(2));
}

TEST(SyslogReader, TakesAPacketThatPfLogged) {
  const Reading reading = ReadAs(
      "syslog",
      "Feb 12 14:10:21 pf filterlog[7]: 5,,,100,em0,match,block,in,4,0x0,,64,43,0,DF,6,tcp,60,"
      "192.0.2.9,198.51.100.2,40000,22,0,S,1,,64240,,mss\n"
      "Feb 12 14:10:22 pf filterlog[7]: 5,,,100,em0,match,pass,out,6,0x00,0x12345,64,UDP,17,60,"
      "2001:db8::1,2001:db8::2,5353,53,40\n"
      "Feb 12 14:10:23 pf filterlog[7]: 5,,,100,em0,match\n",
      kOptions);
  EXPECT_EQ(reading.counts.malformed_count, 0);
  EXPECT_THAT(reading.findings.log_lines, SizeIs(3));
  ASSERT_THAT(reading.findings.flows, SizeIs(2));
  const auto& flows = reading.findings.flows;
  EXPECT_EQ(flows[0].observer, "pf");
  EXPECT_EQ(flows[0].state, "block");
  EXPECT_EQ(flows[0].ends.source_ip, "192.0.2.9");
  EXPECT_EQ(flows[0].ends.destination_port, 22);
  EXPECT_EQ(flows[1].ends.transport, "udp");
  EXPECT_EQ(flows[1].ends.destination_ip, "2001:db8::2");
  EXPECT_EQ(flows[1].ends.source_port, 5353);
}

TEST(SyslogReader, AsksForTheYear) {
  EXPECT_THAT(ReadAs("syslog", "Feb 12 14:10:21 h p: m\n").error, HasSubstr("--year"));
}

TEST(SyslogReader, CountsWhatIsNoSyslog) {
  const Reading reading = ReadAs("syslog", "x\n<999999>1 a\nFeb 32 00:00:00 h p: m\n", kOptions);
  EXPECT_EQ(reading.counts.malformed_count, 3);
}

TEST(AccessLogReader, TakesRequestsAndErrors) {
  const std::string text =
      "10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 5 \"-\" \"x\"\n"
      "[Sat Jun 01 11:32:48.500000 2013] [:error] [pid 1] message\n"
      "2020/01/02 03:04:05 [error] 1#1: *1 message\n";
  EXPECT_EQ(DetectImporterKind(text)->name, "access-log");
  const Reading reading = ReadAs("access-log", text);
  EXPECT_EQ(reading.counts.malformed_count, 0);
  ASSERT_THAT(reading.findings.log_lines, SizeIs(3));
  EXPECT_EQ(FormatWallTime(*reading.findings.log_lines[0].wall_ns),
            "2000-10-10T20:55:36.000000000Z");
  EXPECT_EQ(FormatWallTime(*reading.findings.log_lines[1].wall_ns),
            "2013-06-01T11:32:48.500000000Z");
}

}  // namespace
}  // namespace spoor::importers
