// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "importers/reading_for_tests.hpp"

namespace spoor::importers {
namespace {

using testing::SizeIs;

const std::string kHeader =
    "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"
    "#open\t2024-01-01-00-00-00\n";
const std::string kConn =
    kHeader +
    "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\t"
    "orig_bytes\tresp_bytes\tconn_state\tlocal_orig\torig_pkts\tresp_pkts\ttunnel_parents\n"
    "#types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tinterval\tcount\tcount\tstring\t"
    "bool\tcount\tcount\tset[string]\n"
    "1700000000.000001\tC1\t10.0.0.1\t4000\t10.0.0.2\t22\ttcp\tssh\t1.500000\t100\t-\tSF\tT\t7\t5\t"
    "(empty)\n"
    "1700000001.000000\tC2\tfe80::1\t134\tfe80::2\t133\ticmp\t-\t-\t-\t-\tOTH\t-\t1\t0\t-\n";

TEST(ZeekReader, TakesConnectionsOfTheTsvWriter) {
  const Reading reading = ReadAs("zeek", kConn + "#close\t2024-01-01-00-00-01\n");
  EXPECT_EQ(reading.counts.malformed_count, 0);
  ASSERT_THAT(reading.findings.flows, SizeIs(2));
  const event::FlowSighting& flow = reading.findings.flows[0];
  EXPECT_EQ(flow.observer, "zeek");
  EXPECT_EQ(flow.key, "C1");
  EXPECT_EQ(flow.ends.source_port, 4000);
  EXPECT_EQ(flow.application, "ssh");
  EXPECT_EQ(flow.begin_wall_ns, 1700000000000001000);
  EXPECT_EQ(flow.end_wall_ns - flow.begin_wall_ns, 1'500'000'000);
  EXPECT_EQ(flow.source_bytes, 100);
  EXPECT_EQ(flow.destination_bytes, std::nullopt);
  EXPECT_EQ(flow.state, "SF");
  EXPECT_EQ(reading.findings.flows[1].ends.transport, "icmp6");
  EXPECT_EQ(reading.findings.flows[1].ends.source_port, std::nullopt);
}

TEST(ZeekReader, MakesTheSameOfBothWriters) {
  const std::string tsv =
      kHeader +
      "#fields\tts\tuid\tname\tok\twait\tlist\ttext\twhen\tnone\n"
      "#types\ttime\tstring\tstring\tbool\tinterval\tvector[double]\tstring\ttime\tset[string]\n"
      "1700000000.5\tC1\ta\\x09b\tT\t3600.000000\t1.500000,-,2.000000\tc\\\\d "
      "e\t1700000001.000000\t(empty)\n";
  const std::string json =
      R"({"_path":"conn","ts":1700000000.5,"uid":"C1","name":"a\tb","ok":true,"wait":3600.0,)"
      R"("list":[1.5,null,2.0],"text":"c\\d e","when":"2023-11-14T22:13:21.000000Z","none":[]})";
  const Reading from_tsv = ReadAs("zeek", tsv), from_json = ReadAs("zeek", json);
  ASSERT_THAT(from_tsv.findings.log_lines, SizeIs(1));
  ASSERT_THAT(from_json.findings.log_lines, SizeIs(1));
  EXPECT_EQ(from_tsv.findings.log_lines[0].message, from_json.findings.log_lines[0].message);
  EXPECT_EQ(from_tsv.findings.log_lines[0].wall_ns, from_json.findings.log_lines[0].wall_ns);
}

TEST(ZeekReader, TakesANoticeAsAnAlertOnItsConnection) {
  const Reading reading = ReadAs(
      "zeek",
      R"({"_path":"site_notice","ts":"2023-11-14T22:13:20Z","uid":"C1","id.orig_h":"10.0.0.1",)"
      R"("id.orig_p":4000,"id.resp_h":"10.0.0.2","id.resp_p":22,"proto":"tcp",)"
      R"("note":"SSH::Password_Guessing","msg":"10.0.0.1 guesses"})");
  ASSERT_THAT(reading.findings.alerts, SizeIs(1));
  EXPECT_EQ(reading.findings.alerts[0].signature, "SSH::Password_Guessing: 10.0.0.1 guesses");
  EXPECT_EQ(event::FlowId("h", reading.findings.alerts[0].flow),
            event::FlowId("h", ReadAs("zeek", kConn).findings.flows[0]));
}

TEST(ZeekReader, ReadsAnySeparatorAndTheHeaderOfTheNextLog) {
  const std::string text =
      "#separator |\n#set_separator|,\n#empty_field|(empty)\n#unset_field|-\n#path|dns\n"
      "#fields|ts|query\n#types|time|string\n1700000000.0|a\\x7cb\n" +
      kConn;
  const Reading reading = ReadAs("zeek", text);
  EXPECT_EQ(reading.counts.malformed_count, 0);
  ASSERT_THAT(reading.findings.log_lines, SizeIs(1));
  EXPECT_EQ(reading.findings.log_lines[0].source, "zeek dns");
  EXPECT_EQ(reading.findings.log_lines[0].message, "query=a|b");
  EXPECT_THAT(reading.findings.flows, SizeIs(2));
}

TEST(ZeekReader, CountsRecordsWithMoreOrFewerColumns) {
  const Reading reading =
      ReadAs("zeek", kConn + "1700000000.0\tC3\n" +
                         "x\tC1\t10.0.0.1\t1\t10.0.0.2\t2\ttcp\t-\t-\t-\t-\tSF\t"
                         "T\t1\t1\t-\n");
  EXPECT_EQ(reading.counts.malformed_count, 2);
  EXPECT_THAT(reading.findings.flows, SizeIs(2));
}

TEST(ZeekReader, TakesARecordThatIsWrappedByItsName) {
  const std::string text =
      "{\"conn\":{\"ts\":1704164645.5,\"uid\":\"C1\",\"id.orig_h\":\"10.0.0.1\",\"id.orig_p\":1,"
      "\"id.resp_h\":\"10.0.0.2\",\"id.resp_p\":2,\"proto\":\"tcp\",\"conn_state\":\"SF\"}}\n"
      "{\"dns\":{\"ts\":1704164645.5,\"uid\":\"C2\",\"query\":\"a\"}}\n";
  EXPECT_EQ(DetectImporterKind(text)->name, "zeek");
  const Reading reading = ReadAs("zeek", text);
  ASSERT_EQ(reading.findings.flows.size(), 1);
  EXPECT_EQ(reading.findings.flows[0].key, "C1");
  ASSERT_EQ(reading.findings.log_lines.size(), 1);
  EXPECT_EQ(reading.findings.log_lines[0].source, "zeek dns");
}

}  // namespace
}  // namespace spoor::importers
