// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "importers/reading_for_tests.hpp"

namespace spoor::importers {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

constexpr std::string_view kFlow =
    R"({"timestamp":"2024-01-02T03:04:09.000000+0000","flow_id":77,"event_type":"flow","src_ip":"10.0.0.1","src_port":4000,"dest_ip":"10.0.0.2","dest_port":80,"proto":"TCP","app_proto":"http","flow":{"pkts_toserver":5,"pkts_toclient":4,"bytes_toserver":500,"bytes_toclient":400,"start":"2024-01-02T03:04:05.000001+0000","end":"2024-01-02T03:04:06.000000+0000","state":"closed"}})"
    "\n";
constexpr std::string_view kAlert =
    R"({"timestamp":"2024-01-02T04:04:05.500000+0100","flow_id":77,"event_type":"alert","src_ip":"10.0.0.2","src_port":80,"dest_ip":"10.0.0.1","dest_port":4000,"proto":"TCP","alert":{"action":"allowed","gid":1,"signature_id":2100498,"rev":7,"signature":"id check returned root","category":"Bad","severity":2},"direction":"to_client","packet":"AAEC"})"
    "\n";

TEST(EveReader, TakesAFlowWithItsCounts) {
  const Reading reading = ReadAs("eve", kFlow);
  ASSERT_THAT(reading.findings.flows, SizeIs(1));
  const event::FlowSighting& flow = reading.findings.flows[0];
  EXPECT_EQ(flow.observer, "suricata");
  EXPECT_EQ(flow.key, "77");
  EXPECT_EQ(flow.ends.source_ip, "10.0.0.1");
  EXPECT_EQ(flow.ends.destination_port, 80);
  EXPECT_EQ(flow.ends.transport, "tcp");
  EXPECT_EQ(flow.application, "http");
  EXPECT_EQ(flow.source_packets, 5);
  EXPECT_EQ(flow.destination_frame_bytes, 400);
  EXPECT_EQ(flow.source_bytes, std::nullopt);
  EXPECT_EQ(flow.end_wall_ns - flow.begin_wall_ns, 999'999'000);
}

TEST(EveReader, TakesAnAlertWithItsPacketAndTurnsItsEndsToTheClient) {
  const Reading reading = ReadAs("eve", kAlert);
  ASSERT_THAT(reading.findings.alerts, SizeIs(1));
  const event::AlertSighting& alert = reading.findings.alerts[0];
  EXPECT_EQ(alert.signature_id, 2100498);
  EXPECT_EQ(alert.signature, "id check returned root");
  EXPECT_EQ(alert.priority, 2);
  EXPECT_EQ(alert.wall_ns, 1704164645500000000);
  EXPECT_EQ(alert.flow.ends.source_ip, "10.0.0.1");
  EXPECT_EQ(alert.flow.ends.source_port, 4000);
  ASSERT_THAT(alert.packets, SizeIs(1));
  EXPECT_EQ(alert.packets[0].data, std::string("\0\1\2", 3));
}

TEST(EveReader, GivesAnAlertTheFlowOfItsRecord) {
  const Reading reading = ReadAs("eve", std::string(kAlert) + std::string(kFlow));
  EXPECT_EQ(event::FlowId("h", reading.findings.alerts.at(0).flow),
            event::FlowId("h", reading.findings.flows.at(0)));
}

TEST(EveReader, TellsEqualAlertsApartInTheSameWayEachTime) {
  const std::string twice = std::string(kAlert) + std::string(kAlert);
  const Reading first = ReadAs("eve", twice), second = ReadAs("eve", twice);
  const auto id = [](const Reading& reading, std::size_t i) {
    return event::AlertId("h", reading.findings.alerts.at(i));
  };
  EXPECT_NE(id(first, 0), id(first, 1));
  EXPECT_EQ(id(first, 0), id(second, 0));
  EXPECT_EQ(id(first, 1), id(second, 1));
}

TEST(EveReader, KeepsWhatIsNeitherAsALineOfTheLog) {
  const Reading reading = ReadAs(
      "eve",
      R"({"timestamp":"2024-01-02T03:04:05Z","event_type":"dns","dns":{"rrname":"x.example"}})");
  ASSERT_THAT(reading.findings.log_lines, SizeIs(1));
  EXPECT_EQ(reading.findings.log_lines[0].source, "suricata dns");
  EXPECT_THAT(reading.findings.log_lines[0].message, HasSubstr("x.example"));
}

TEST(EveReader, TellsHowManyPacketsSuricataDidNotGet) {
  const auto stats = [](int minute, int drops) {
    return fmt::format(
        "{{\"timestamp\":\"2024-01-02T03:{:02}:00Z\",\"event_type\":\"stats\",\"stats\":"
        "{{\"capture\":{{\"kernel_drops\":{}}}}}}}\n",
        minute, drops);
  };
  const Reading reading = ReadAs("eve", stats(1, 0) + stats(2, 5) + stats(3, 5) + stats(4, 9));
  ASSERT_THAT(reading.findings.events, SizeIs(2));
  EXPECT_EQ(reading.findings.events[0].loss->count, 5);
  EXPECT_EQ(reading.findings.events[1].loss->count, 4);
}

TEST(EveReader, CountsLinesThatCannotBeReadAndGoesOn) {
  const std::string text = "{\"timestamp\":\nnot json\n" + std::string(kFlow) +
                           "{\"event_type\":\"flow\"}\n" + std::string(kFlow.substr(0, 40));
  for (const std::size_t part : {1U, 7U, 100000U}) {
    const Reading reading = ReadAs("eve", text, {.host = "h", .time = {}}, part);
    EXPECT_THAT(reading.findings.flows, SizeIs(1));
    EXPECT_EQ(reading.counts.record_count, 5);
    EXPECT_EQ(reading.counts.malformed_count, 4);
    EXPECT_EQ(reading.counts.first_malformed_record, 1);
  }
}

TEST(EveReader, PassesOverALineThatNeverEnds) {
  const std::string text = std::string(3 << 20, 'x') + "\n" + std::string(kFlow);
  const Reading reading = ReadAs("eve", text);
  EXPECT_THAT(reading.findings.flows, SizeIs(1));
  EXPECT_EQ(reading.counts.malformed_count, 1);
}

TEST(EveReader, IsFoundByTheLookOfTheFile) {
  EXPECT_EQ(DetectImporterKind(kFlow)->name, "eve");
  EXPECT_EQ(DetectImporterKind("something else"), nullptr);
}

TEST(EveReader, TakesWhatFilebeatPutIntoAMember) {
  const std::string text =
      "{\"@timestamp\":\"2024-01-02T03:04:05.000Z\",\"suricata\":{\"eve\":{\"event_type\":\"flow\","
      "\"flow_id\":7,\"src_ip\":\"10.0.0.1\",\"src_port\":1,\"dest_ip\":\"10.0.0.2\",\"dest_port\":"
      "2,"
      "\"proto\":\"TCP\",\"flow\":{\"pkts_toserver\":3}}}}\n";
  EXPECT_EQ(DetectImporterKind(text)->name, "eve");
  const Reading reading = ReadAs("eve", text);
  ASSERT_EQ(reading.findings.flows.size(), 1);
  EXPECT_EQ(reading.findings.flows[0].begin_wall_ns, 1704164645000000000);
  EXPECT_EQ(reading.findings.flows[0].source_packets, 3);
}

}  // namespace
}  // namespace spoor::importers
