// SPDX-License-Identifier: Apache-2.0
#include "importers/conntrack/conntrack_reader.hpp"

#include <gmock/gmock.h>

#include "importers/reading_for_tests.hpp"

namespace spoor::importers {
namespace {

using testing::SizeIs;

TEST(ConntrackReader, TellsAConversationBeforeItWasTranslatedAndWhatItWasAfter) {
  const std::string text =
      "[1700000000.125000]\t    [NEW] tcp      6 120 SYN_SENT src=10.0.0.5 dst=192.0.2.80 "
      "sport=40000 "
      "dport=80 [UNREPLIED] src=192.0.2.80 dst=203.0.113.5 sport=80 dport=1024\n"
      "[1700000003.5]\t[DESTROY] tcp      6 src=10.0.0.5 dst=192.0.2.80 sport=40000 dport=80 "
      "packets=6 "
      "bytes=400 src=192.0.2.80 dst=203.0.113.5 sport=80 dport=1024 packets=4 bytes=500 "
      "[ASSURED]\n";
  ASSERT_NE(DetectImporterKind(text), nullptr);
  EXPECT_EQ(DetectImporterKind(text)->name, "conntrack");
  const Reading reading = ReadAs("conntrack", text);
  EXPECT_EQ(reading.counts.malformed_count, 0);
  ASSERT_THAT(reading.findings.flows, SizeIs(2));
  const event::FlowSighting& flow = reading.findings.flows[0];
  EXPECT_EQ(flow.observer, "conntrack");
  EXPECT_EQ(flow.ends.source_ip, "10.0.0.5");
  EXPECT_EQ(flow.ends.source_port, 40000);
  EXPECT_EQ(flow.ends.destination_ip, "192.0.2.80");
  EXPECT_EQ(flow.begin_wall_ns, 1700000000125000000);
  EXPECT_EQ(flow.state, "SYN_SENT as 203.0.113.5 1024 > 192.0.2.80 80");
  EXPECT_EQ(reading.findings.flows[1].source_packets, 6);
  EXPECT_EQ(reading.findings.flows[1].destination_packets, 4);
}

TEST(ConntrackReader, SaysNothingOfTranslationWhereThereWasNone) {
  const auto flow = ParseConntrack(
      "udp 17 25 src=10.0.0.5 dst=10.0.0.53 sport=5353 dport=53 src=10.0.0.53 dst=10.0.0.5 "
      "sport=53 "
      "dport=5353 mark=0 use=1");
  ASSERT_TRUE(flow);
  EXPECT_EQ(flow->state, "");
}

TEST(ConntrackReader, KeepsWhatHasNoTimeAsALine) {
  const std::string text =
      "ipv4     2 tcp      6 86393 ESTABLISHED src=10.0.0.5 dst=10.0.0.6 sport=1 dport=2 "
      "src=10.0.0.6 "
      "dst=10.0.0.5 sport=2 dport=1 [ASSURED] mark=0 zone=0 use=2\n"
      "conntrack v1.4.7 (conntrack-tools): 1 flow entries have been shown.\nnonsense\n";
  const Reading reading = ReadAs("conntrack", text);
  EXPECT_THAT(reading.findings.flows, SizeIs(0));
  EXPECT_THAT(reading.findings.log_lines, SizeIs(1));
  EXPECT_EQ(reading.counts.malformed_count, 1);
}

TEST(ConntrackReader, ReadsWhatUlogdWritesToSyslog) {
  const Reading reading = ReadAs(
      "syslog",
      "2023-11-14T22:13:20Z gw ulogd[7]: [NEW] ORIG: SRC=198.51.100.7 DST=203.0.113.5 PROTO=TCP "
      "SPT=40000 DPT=80 PKTS=0 BYTES=0 , REPLY: SRC=10.0.0.5 DST=198.51.100.7 PROTO=TCP SPT=8080 "
      "DPT=40000 PKTS=0 BYTES=0\n");
  ASSERT_THAT(reading.findings.flows, SizeIs(1));
  EXPECT_EQ(reading.findings.flows[0].observer, "conntrack");
  EXPECT_EQ(reading.findings.flows[0].state, " as 198.51.100.7 40000 > 10.0.0.5 8080");
  EXPECT_THAT(reading.findings.log_lines, SizeIs(1));
}

}  // namespace
}  // namespace spoor::importers
