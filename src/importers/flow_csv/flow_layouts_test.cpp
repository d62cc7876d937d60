// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "base/time.hpp"
#include "importers/reading_for_tests.hpp"

namespace spoor::importers {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

const ImportOptions kDated{.host = "h",
                           .time = {.day_wall_ns = ParseIsoTime("2024-01-02T00:00:00", {})}};

TEST(FlowLayouts, OfRaAreReadByTheirArrow) {
  const std::string text =
      "         StartTime      Flgs  Proto            SrcAddr  Sport   Dir            DstAddr  "
      "Dport"
      "  TotPkts   TotBytes State \n"
      "   03:04:05.381182              man                  0      0                        0      "
      "0"
      "        0          0   STA\n"
      "   03:04:06.760244  e i         tcp       172.16.23.1.58395     ->     172.16.23.16.22      "
      "  "
      "  31       5316   CON\n"
      "   03:04:07.000000  e           udp         fe80::1.5353     <-            ff02::fb.5353    "
      "  "
      "   4        344   CON\n"
      "   03:04:08.000000  e        ipv6-* fe80::2e0:4dff:fe*.135       ->  ff02::1:ff15:3384.0    "
      " "
      "        8        688   NNS\n";
  EXPECT_EQ(DetectImporterKind(text)->name, "argus");
  EXPECT_THAT(ReadAs("argus", text).error, HasSubstr("--date"));
  const Reading reading = ReadAs("argus", text, kDated);
  EXPECT_EQ(reading.error, "");
  EXPECT_EQ(reading.counts.malformed_count, 0);
  EXPECT_EQ(reading.counts.not_decoded_count, 2);
  ASSERT_THAT(reading.findings.flows, SizeIs(2));
  const event::FlowSighting& flow = reading.findings.flows[0];
  EXPECT_EQ(flow.ends.source_ip, "172.16.23.1");
  EXPECT_EQ(flow.ends.source_port, 58395);
  EXPECT_EQ(flow.ends.destination_port, 22);
  EXPECT_EQ(flow.ends.transport, "tcp");
  EXPECT_EQ(flow.state, "CON");
  EXPECT_EQ(FormatWallTime(flow.begin_wall_ns), "2024-01-02T03:04:06.760244000Z");
  EXPECT_EQ(reading.findings.flows[1].ends.source_ip, "ff02::fb");
}

TEST(FlowLayouts, OfRaHaveTheColumnsOfTheirHeader) {
  const std::string text =
      "         StartTime        Dur  Proto            SrcAddr  Sport   Dir            DstAddr  "
      "Dport"
      "  SrcPkts  DstPkts     SrcBytes     DstBytes State \n"
      " 1645830066.121611   3.396759    tcp        10.2.25.102 57309     ->      193.252.22.84 587 "
      " "
      "         8       11          529          848   CON\n";
  const Reading reading = ReadAs("argus", text);
  ASSERT_THAT(reading.findings.flows, SizeIs(1));
  const event::FlowSighting& flow = reading.findings.flows[0];
  EXPECT_EQ(flow.ends.source_port, 57309);
  EXPECT_EQ(flow.ends.destination_port, 587);
  EXPECT_EQ(flow.source_packets, 8);
  EXPECT_EQ(flow.destination_frame_bytes, 848);
  EXPECT_EQ(flow.end_wall_ns - flow.begin_wall_ns, 3396759000);
}

TEST(FlowLayouts, OfRaMayBeJson) {
  const std::string text =
      R"({"ArgusData":[{ "type":"flow","stime":"2024/01/02 03:04:05.5","dur":4.5,"flgs":" e ","proto":"udp","saddr":"10.0.0.1","sport":4000,"dir":" ->","daddr":"10.0.0.2","dport":53,"spkts":2,"dpkts":1,"sbytes":507,"dbytes":9,"state":"CON"},)"
      "\n"
      R"({ "type":"flow","stime":"1704164645.0","dur":0.0,"proto":"tcp","saddr":"10.0.0.1","sport":1,"dir":" ->","daddr":"10.0.0.2","dport":2,"spkts":1,"dpkts":0,"state":"REQ"}]})"
      "\n";
  EXPECT_EQ(DetectImporterKind(text)->name, "argus");
  const Reading reading = ReadAs("argus", text);
  EXPECT_EQ(reading.counts.malformed_count, 0);
  ASSERT_THAT(reading.findings.flows, SizeIs(2));
  EXPECT_EQ(reading.findings.flows[0].source_packets, 2);
  EXPECT_EQ(reading.findings.flows[0].end_wall_ns - reading.findings.flows[0].begin_wall_ns,
            4'500'000'000);
  EXPECT_EQ(reading.findings.flows[1].begin_wall_ns, 1704164645000000000);
}

TEST(FlowLayouts, OfNfdumpAreReadInEachFormat) {
  const std::string extended =
      "Date first seen             Duration     Proto      Src IP Addr:Port          Dst IP "
      "Addr:Port"
      "     Flags Tos  Packets    Bytes      pps      bps    Bpp Flows\n"
      "2024-01-02 03:04:05.500     00:00:09.250 TCP    10.0.0.1:4000     ->   10.0.0.2:80     "
      "...AP.SF   0        3      276        0      245     92     1\n"
      "2024-01-02 03:04:05.500     9.250 UDP    10.0.0.1:4000     ->   10.0.0.2:80     ........   "
      "0  "
      "  1.2 M   2.0 M        0      245     92     1\n"
      "2024-01-02 03:04:05.500     0.000 ICMP6 fe80::2..83:76e0.0     -> ff02::1.135.0 ........   "
      "0   "
      "     1       72     1\n"
      "Summary: total flows: 3, total bytes: 276\nTime window: 2024 - 2024\n"
      "Total flows processed: 3\nSys: 0.0000s\n";
  EXPECT_EQ(DetectImporterKind(extended)->name, "nfdump");
  const Reading reading = ReadAs("nfdump", extended);
  EXPECT_EQ(reading.counts.malformed_count, 0);
  EXPECT_EQ(reading.counts.not_decoded_count, 1);
  ASSERT_THAT(reading.findings.flows, SizeIs(2));
  const event::FlowSighting& flow = reading.findings.flows[0];
  EXPECT_EQ(flow.ends.destination_port, 80);
  EXPECT_EQ(flow.source_packets, 3);
  EXPECT_EQ(flow.state, "...AP.SF");
  EXPECT_EQ(flow.end_wall_ns - flow.begin_wall_ns, 9'250'000'000);
  EXPECT_EQ(reading.findings.flows[1].source_packets, std::nullopt) << "it was rounded";

  const Reading both = ReadAs(
      "nfdump",
      "Date first seen             Duration     Proto      Src IP Addr:Port           Dst IP "
      "Addr:Port   Out Pkt   In Pkt Out Byte  In Byte Flows\n"
      "2024-01-02 03:04:05.500     00:00:01.000 TCP   10.0.0.1:1     <->   10.0.0.2:2            4 "
      " "
      "     41        0    42628     1\n");
  ASSERT_THAT(both.findings.flows, SizeIs(1));
  EXPECT_EQ(both.findings.flows[0].source_packets, 41);
  EXPECT_EQ(both.findings.flows[0].destination_packets, 4);
}

TEST(FlowLayouts, OfNfdumpMayBeJsonOverSeveralLinesOrOnOne) {
  const std::string text =
      "[\n{\n\t\"type\" : \"FLOW\",\n\t\"first\" : \"2024-01-02T03:04:05.500\",\n\t\"last\" : "
      "\"2024-01-02T03:04:06.500\",\n\t\"in_packets\" : 3,\n\t\"in_bytes\" : 276,\n\t\"proto\" : "
      "6,\n\t\"tcp_flags\" : \"...AP.SF\",\n\t\"src_port\" : 4000,\n\t\"dst_port\" : 80,\n"
      "\t\"src4_addr\" : \"10.0.0.1\",\n\t\"dst4_addr\" : \"10.0.0.2\",\n\t\"label\" : \"\"\n},\n"
      "{\"type\":\"FLOW\",\"first\":\"2024-01-02T03:04:05\",\"last\":\"2024-01-02T03:04:06\","
      "\"proto\":"
      "17,\"src_port\":1,\"dst_port\":2,\"src6_addr\":\"fd00::1\",\"dst6_addr\":\"fd00::2\","
      "\"in_packets\":1}]\n";
  EXPECT_EQ(DetectImporterKind(text)->name, "nfdump");
  for (const std::size_t part : {1U, 10000U}) {
    const Reading reading = ReadAs("nfdump", text, {.host = "h", .time = {}}, part);
    EXPECT_EQ(reading.counts.malformed_count, 0);
    ASSERT_THAT(reading.findings.flows, SizeIs(2));
    EXPECT_EQ(reading.findings.flows[0].ends.source_port, 4000);
    EXPECT_EQ(reading.findings.flows[0].source_packets, 3);
    EXPECT_EQ(reading.findings.flows[1].ends.destination_ip, "fd00::2");
  }
}

}  // namespace
}  // namespace spoor::importers
