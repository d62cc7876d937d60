// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "importers/reading_for_tests.hpp"

namespace spoor::importers {
namespace {

using testing::SizeIs;

TEST(FalcoReader, TakesAnAlertWithItsConnection) {
  const std::string text =
      R"({"hostname":"web","output":"10:00 shell from outside","priority":"Warning","rule":"Reverse shell","source":"syscall","tags":["network","T1059"],"time":"2023-11-14T22:13:20.123456789Z","output_fields":{"proc.name":"bash","fd.name":"10.0.0.1:4000->10.0.0.2:80","fd.l4proto":"tcp"}})"
      "\n"
      R"({"output":"quiet","priority":"Informational","rule":"Other","time":"2023-11-14T22:13:21Z","output_fields":{"fd.name":"/etc/shadow"}})"
      "\n{\"rule\":\"no time\"}\n";
  EXPECT_EQ(DetectImporterKind(text)->name, "falco");
  const Reading reading = ReadAs("falco", text);
  EXPECT_EQ(reading.counts.malformed_count, 1);
  ASSERT_THAT(reading.findings.alerts, SizeIs(2));
  const event::AlertSighting& alert = reading.findings.alerts[0];
  EXPECT_EQ(alert.signature, "Reverse shell");
  EXPECT_EQ(alert.priority, 4);
  EXPECT_EQ(alert.classification, "network,T1059");
  EXPECT_EQ(alert.wall_ns, 1700000000123456789);
  EXPECT_EQ(alert.flow.ends.source_ip, "10.0.0.1");
  EXPECT_EQ(alert.flow.ends.destination_port, 80);
  EXPECT_FALSE(reading.findings.alerts[1].flow.ends.known());
  ASSERT_THAT(reading.findings.log_lines, SizeIs(2));
  EXPECT_EQ(reading.findings.log_lines[0].program, "bash");
  EXPECT_EQ(reading.findings.log_lines[0].host, "web");
}

}  // namespace
}  // namespace spoor::importers
