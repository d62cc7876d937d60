// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "importers/reading_for_tests.hpp"

namespace spoor::importers {
namespace {

using testing::SizeIs;

TEST(WazuhReader, TellsTheAlertAndTheLineThatItIsAbout) {
  const std::string text =
      R"({"timestamp":"2024-01-02T03:04:05.100+0000","rule":{"level":5,"description":"sshd: a try","id":"5710","groups":["syslog","sshd"]},)"
      R"("agent":{"id":"001","name":"web"},"manager":{"name":"m"},"id":"1.2","full_log":"Jan  2 03:04:05 www sshd[7]: Failed password for x from 192.0.2.7 port 4000 ssh2",)"
      R"("predecoder":{"program_name":"sshd","timestamp":"Jan  2 03:04:05","hostname":"www"},"data":{"srcip":"192.0.2.7","srcport":"4000","dstip":"192.0.2.1","dstport":"22","protocol":"tcp"},"location":"/var/log/auth.log"})"
      "\n";
  EXPECT_EQ(DetectImporterKind(text)->name, "wazuh");
  const Reading reading = ReadAs("wazuh", text);
  ASSERT_THAT(reading.findings.alerts, SizeIs(1));
  const event::AlertSighting& alert = reading.findings.alerts[0];
  EXPECT_EQ(alert.signature, "sshd: a try");
  EXPECT_EQ(alert.signature_id, 5710);
  EXPECT_EQ(alert.priority, 5);
  EXPECT_EQ(alert.wall_ns, 1704164645100000000);
  EXPECT_EQ(alert.flow.ends.destination_port, 22);
  ASSERT_THAT(reading.findings.log_lines, SizeIs(1));
  const event::LogLine& line = reading.findings.log_lines[0];
  EXPECT_EQ(line.host, "www");
  EXPECT_EQ(line.program, "sshd");
  EXPECT_EQ(line.message, "Failed password for x from 192.0.2.7 port 4000 ssh2");
}

TEST(WazuhReader, IsNotTakenForTheLogThatItTellsOf) {
  const std::string suricata =
      R"({"timestamp":"2024-01-02T03:04:05.100+0000","rule":{"level":3,"description":"Suricata: Alert","id":"86601"},"agent":{"name":"web"},"manager":{"name":"m"},)"
      R"("full_log":"{\"timestamp\":\"x\",\"event_type\":\"alert\"}","data":{"event_type":"alert","src_ip":"10.0.0.1","dest_ip":"10.0.0.2","src_port":"1","dest_port":"2","proto":"TCP"}})";
  EXPECT_EQ(DetectImporterKind(suricata)->name, "wazuh");
  const Reading reading = ReadAs("wazuh", suricata);
  EXPECT_EQ(reading.findings.alerts.at(0).flow.ends.transport, "tcp");
}

TEST(OsqueryReader, TellsEachRowWithItsHostAndTime) {
  const std::string text =
      R"({"name":"pack_a_logins","hostIdentifier":"web","calendarTime":"Tue Jan  2 03:04:05 2024 UTC","unixTime":"1704164645","columns":{"user":"x"},"action":"added"})"
      "\n"
      R"({"name":"users","hostIdentifier":"web","unixTime":1704164646,"snapshot":[{"uid":"0"}],"action":"snapshot"})"
      "\nbroken\n";
  EXPECT_EQ(DetectImporterKind(text)->name, "osquery");
  const Reading reading = ReadAs("osquery", text);
  EXPECT_EQ(reading.counts.malformed_count, 1);
  ASSERT_THAT(reading.findings.log_lines, SizeIs(2));
  EXPECT_EQ(reading.findings.log_lines[0].source, "osquery pack_a_logins");
  EXPECT_EQ(reading.findings.log_lines[0].host, "web");
  EXPECT_EQ(reading.findings.log_lines[0].wall_ns, 1704164645000000000);
  EXPECT_EQ(reading.findings.log_lines[1].wall_ns, 1704164646000000000);
}

}  // namespace
}  // namespace spoor::importers
