// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "importers/reading_for_tests.hpp"

namespace spoor::importers {
namespace {

using testing::SizeIs;

constexpr std::string_view kJson =
    R"({"__CURSOR":"s=1","__REALTIME_TIMESTAMP":"1700000000123456","_HOSTNAME":"web","SYSLOG_IDENTIFIER":"sshd","_PID":"7","MESSAGE":"Failed password for root from 10.0.0.1 port 4000 ssh2"}
{"__REALTIME_TIMESTAMP":"1700000001000000","_HOSTNAME":"web","_COMM":"app","MESSAGE":[104,105,255]}
{"__REALTIME_TIMESTAMP":"1700000002000000","_HOSTNAME":"web","_COMM":"app"}
{"_HOSTNAME":"web","MESSAGE":"no time"}
)";

std::string Export() {
  using std::string_literals::operator""s;
  return "__CURSOR=s=1\n__REALTIME_TIMESTAMP=1700000000123456\n_HOSTNAME=web\nSYSLOG_IDENTIFIER="
         "sshd\n"
         "MESSAGE=Failed password for root from 10.0.0.1 port 4000 ssh2\n\n"
         "__REALTIME_TIMESTAMP=1700000001000000\n_HOSTNAME=web\n_COMM=app\nMESSAGE\n"
         "\x05\0\0\0\0\0\0\0hi\n\n\xff\n\n"
         "\n__REALTIME_TIMESTAMP=1700000002000000\n_COMM=app\n\n"
         "MESSAGE=no time\n"s;
}

TEST(JournalReader, TakesBothFormsForTheSameLines) {
  for (const std::string& text : {std::string(kJson), Export()}) {
    EXPECT_EQ(DetectImporterKind(text)->name, "journal");
    for (const std::size_t part : {1U, 7U, 100'000U}) {
      const Reading reading = ReadAs("journal", text, {.host = "h", .time = {}}, part);
      EXPECT_EQ(reading.counts.record_count, 4);
      EXPECT_EQ(reading.counts.not_decoded_count, 1) << "without a message";
      EXPECT_EQ(reading.counts.malformed_count, 1) << "without a time";
      EXPECT_EQ(reading.counts.first_malformed_record, 4);
      ASSERT_THAT(reading.findings.log_lines, SizeIs(2));
      const event::LogLine& line = reading.findings.log_lines[0];
      EXPECT_EQ(line.source, "journal");
      EXPECT_EQ(line.host, "web");
      EXPECT_EQ(line.program, "sshd");
      EXPECT_EQ(line.wall_ns, 1700000000123456000);
      EXPECT_EQ(line.message, "Failed password for root from 10.0.0.1 port 4000 ssh2");
      EXPECT_EQ(reading.findings.log_lines[1].program, "app");
      EXPECT_TRUE(reading.findings.log_lines[1].message.starts_with("hi"));
    }
  }
}

TEST(JournalReader, MakesFlowsOfLinesOfThePacketFilter) {
  const Reading reading =
      ReadAs("journal",
             "__CURSOR=1\n__REALTIME_TIMESTAMP=1700000000000000\nSYSLOG_IDENTIFIER=kernel\nMESSAGE="
             "IN=eth0 "
             "OUT= SRC=10.0.0.1 DST=10.0.0.2 LEN=60 PROTO=TCP SPT=4000 DPT=22 SYN\n");
  ASSERT_THAT(reading.findings.flows, SizeIs(1));
  EXPECT_EQ(reading.findings.flows[0].ends.destination_port, 22);
}

TEST(JournalReader, GoesOnBehindAFieldThatIsTooLong) {
  const std::string size("\0\0\x20\0\0\0\0\0", 8);
  const std::string text = "__CURSOR=1\n__REALTIME_TIMESTAMP=1700000000000000\nMESSAGE\n" + size +
                           std::string(0x200000, 'x') +
                           "\n\n__REALTIME_TIMESTAMP=1700000001000000\nMESSAGE=next\n\n";
  for (const std::size_t part : {1000U, 100'000'000U}) {
    const Reading reading = ReadAs("journal", text, {.host = "h", .time = {}}, part);
    EXPECT_EQ(reading.counts.malformed_count, 1);
    ASSERT_THAT(reading.findings.log_lines, SizeIs(1));
    EXPECT_EQ(reading.findings.log_lines[0].message, "next");
  }
}

}  // namespace
}  // namespace spoor::importers
