// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "base/time.hpp"
#include "importers/reading_for_tests.hpp"

namespace spoor::importers {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

TEST(FlowCsvReader, TakesRecordsOfArgusByTheNamesOfTheirColumns) {
  const std::string text =
      "StartTime,LastTime,Dur,Flgs,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,SrcPkts,DstPkts,SrcBytes,"
      "DstBytes,State\n"
      "1700000000.5,1700000001.5,1.0,          ,man,0,0,,0,0,0,0,0,0,STA\n"
      "1700000000.500000,1700000002.500000,2.0, e  ,tcp,10.0.0.1,4000,   ->,10.0.0.2,22,17,14,2499,"
      "2817,CON\n"
      "1700000000.500000,1700000002.500000,2.0, e  ,tcp,10.0.0.2,22,  "
      "<-,10.0.0.1,4001,1,2,3,4,CON\n";
  EXPECT_EQ(DetectImporterKind(text)->name, "argus");
  const Reading reading = ReadAs("argus", text);
  EXPECT_EQ(reading.counts.not_decoded_count, 1);
  EXPECT_EQ(reading.counts.malformed_count, 0);
  ASSERT_THAT(reading.findings.flows, SizeIs(2));
  const event::FlowSighting& flow = reading.findings.flows[0];
  EXPECT_EQ(flow.ends.source_port, 4000);
  EXPECT_EQ(flow.source_packets, 17);
  EXPECT_EQ(flow.destination_frame_bytes, 2817);
  EXPECT_EQ(flow.end_wall_ns - flow.begin_wall_ns, 2'000'000'000);
  EXPECT_EQ(reading.findings.flows[1].ends.source_port, 4001);
  EXPECT_EQ(reading.findings.flows[1].source_packets, 2);
}

TEST(FlowCsvReader, ReadsTheOtherTimesOfArgus) {
  const std::string header = "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport\n";
  const std::string rest = ",1.5,udp,10.0.0.1,1,->,10.0.0.2,2\n";
  const Reading iso = ReadAs("argus", header + "2009-11-18+09:00:03.914398" + rest);
  EXPECT_EQ(FormatWallTime(iso.findings.flows.at(0).begin_wall_ns),
            "2009-11-18T09:00:03.914398000Z");
  const std::string yearless = header + "01/09.17:09:04.266106" + rest;
  EXPECT_THAT(ReadAs("argus", yearless).error, HasSubstr("--year"));
  const Reading dated =
      ReadAs("argus", yearless, {.host = "h", .time = {.year = 2024, .utc_offset_ns = 0}});
  EXPECT_EQ(FormatWallTime(dated.findings.flows.at(0).end_wall_ns),
            "2024-01-09T17:09:05.766106000Z");
}

TEST(FlowCsvReader, TakesRecordsOfNfdumpUntilTheirSummary) {
  const std::string text =
      "ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt\n"
      "2020-01-01 00:00:00,2020-01-01 00:00:01,1.0,10.0.0.1,10.0.0.2,1,2,TCP,.A,0,0,3,40,0,0\n"
      "broken\n"
      "Summary\nflows,bytes,packets\n1,40,3\n";
  EXPECT_EQ(DetectImporterKind(text)->name, "nfdump");
  const Reading reading = ReadAs("nfdump", text);
  ASSERT_THAT(reading.findings.flows, SizeIs(1));
  EXPECT_EQ(reading.findings.flows[0].source_packets, 3);
  EXPECT_EQ(reading.findings.flows[0].destination_packets, std::nullopt);
  EXPECT_EQ(reading.counts.malformed_count, 1);
}

TEST(P0fReader, TakesWhatWasNamedAndKeepsTheRest) {
  const std::string text =
      "[2011/09/27 18:07:20] mod=syn|cli=10.0.0.1/4000|srv=10.0.0.2/80|subj=cli|os=Mac OS X 10.x|"
      "dist=0|raw_sig=x\n"
      "[2011/09/27 18:07:20] mod=syn+ack|cli=10.0.0.1/4000|srv=10.0.0.2/80|subj=srv|os=Linux 3.x\n"
      "[2011/09/27 18:07:20] mod=syn|cli=10.0.0.3/1|srv=10.0.0.2/80|subj=cli|os=???|raw_sig=x\n"
      "[2011/09/27 18:07:20] mod=mtu|cli=10.0.0.1/4000|srv=10.0.0.2/80|subj=cli|link=Ethernet\n"
      "<1317146840> 10.0.0.5:4000 - Linux 2.6 (newer, 3) (up: 10 hrs) -> 10.0.0.2:80 (distance 0)\n"
      "<Tue Sep 27 18:07:20 2011> 10.0.0.6:1 - UNKNOWN [S4:64:1] -> 10.0.0.2:80 (link: x)\n"
      "nonsense\n";
  EXPECT_EQ(DetectImporterKind(text)->name, "p0f");
  const Reading reading = ReadAs("p0f", text);
  ASSERT_THAT(reading.findings.fingerprints, SizeIs(3));
  EXPECT_EQ(reading.findings.fingerprints[0].ip, "10.0.0.1");
  EXPECT_EQ(reading.findings.fingerprints[0].os, "Mac OS X 10.x");
  EXPECT_EQ(reading.findings.fingerprints[1].ip, "10.0.0.2");
  EXPECT_EQ(reading.findings.fingerprints[2].os, "Linux 2.6 (newer, 3)");
  EXPECT_THAT(reading.findings.log_lines, SizeIs(3));
  EXPECT_EQ(reading.counts.malformed_count, 1);
  for (const event::FingerprintSighting& fingerprint : reading.findings.fingerprints) {
    EXPECT_EQ(FormatWallTime(fingerprint.wall_ns), "2011-09-27T18:07:20.000000000Z");
  }
}

TEST(FlowCsvReader, TakesDatesWithSlashesAndNamesOfNewerVersions) {
  const std::string argus =
      "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,TotPkts\n"
      "2024/01/02 03:04:05.500000,1.5,udp,10.0.0.1,1000,  <->,10.0.0.2,53,CON,12\n";
  const std::string nfdump =
      "firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,packets,bytes\n"
      "2024-01-02 03:04:05.500,1.500,UDP,10.0.0.1,1000,10.0.0.2,53,5,500\n";
  for (const auto& [kind, text] : {std::pair("argus", argus), std::pair("nfdump", nfdump)}) {
    EXPECT_EQ(DetectImporterKind(text)->name, kind);
    const Reading reading = ReadAs(kind, text);
    EXPECT_EQ(reading.counts.malformed_count, 0);
    ASSERT_EQ(reading.findings.flows.size(), 1);
    const event::FlowSighting& flow = reading.findings.flows[0];
    EXPECT_EQ(flow.begin_wall_ns, 1704164645500000000);
    EXPECT_EQ(flow.end_wall_ns, 1704164647000000000);
    EXPECT_EQ(flow.ends.source_port, 1000);
    EXPECT_EQ(flow.ends.destination_ip, "10.0.0.2");
  }
}

}  // namespace
}  // namespace spoor::importers
