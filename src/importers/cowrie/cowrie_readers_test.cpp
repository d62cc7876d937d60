// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "importers/reading_for_tests.hpp"

namespace spoor::importers {
namespace {

using event::EventKind;
using testing::SizeIs;

std::string Record(std::uint32_t op, std::uint32_t direction, const std::string& data) {
  std::string bytes;
  for (const std::uint32_t number :
       {op, 0U, static_cast<std::uint32_t>(data.size()), direction, 1700000000U, 250000U}) {
    for (unsigned i = 0; i < 4; ++i) bytes += static_cast<char>(number >> (8 * i) & 0xff);
  }
  return bytes + data;
}

TEST(CowrieTtyReader, TakesWhatWasTypedAndShown) {
  const std::string text =
      Record(1, 0, "") + Record(3, 1, "id\r") + Record(3, 2, "uid=0\n") + Record(2, 0, "");
  EXPECT_EQ(DetectImporterKind(text)->name, "cowrie-tty");
  for (const std::size_t part : {1U, 13U, 1000U}) {
    const Reading reading = ReadAs("cowrie-tty", text, {.host = "h", .time = {}}, part);
    EXPECT_EQ(reading.counts.malformed_count, 0);
    ASSERT_THAT(reading.findings.events, SizeIs(4));
    const auto& events = reading.findings.events;
    EXPECT_EQ(events[0].kind, EventKind::kProcess);
    EXPECT_EQ(events[1].kind, EventKind::kRead);
    EXPECT_EQ(events[1].payload, "id\r");
    EXPECT_EQ(events[1].wall_ns, 1700000000250000000);
    EXPECT_EQ(events[2].kind, EventKind::kWrite);
    EXPECT_EQ(events[2].object, events[1].object);
    EXPECT_EQ(events[3].kind, EventKind::kExit);
  }
}

TEST(CowrieTtyReader, CountsWhatIsCutOffOrCannotBe) {
  const std::string text = Record(1, 0, "") + Record(3, 1, "id\r");
  EXPECT_EQ(ReadAs("cowrie-tty", text.substr(0, text.size() - 1)).counts.malformed_count, 1);
  EXPECT_EQ(ReadAs("cowrie-tty", text + std::string(24, '\xff') + text).counts.malformed_count, 1);
}

TEST(CowrieReader, TakesASessionAsAFlow) {
  const std::string text =
      R"({"eventid":"cowrie.session.connect","src_ip":"10.0.0.1","src_port":4000,"dst_ip":"10.0.0.2","dst_port":2222,"session":"8a","protocol":"ssh","timestamp":"2023-11-14T22:13:20.5Z"})"
      "\n"
      R"({"eventid":"cowrie.command.input","input":"id","session":"8a","timestamp":"2023-11-14T22:13:21Z"})"
      "\n"
      R"({"eventid":"cowrie.session.closed","session":"8a","timestamp":"2023-11-14T22:13:22.5Z"})"
      "\n";
  EXPECT_EQ(DetectImporterKind(text)->name, "cowrie");
  const Reading reading = ReadAs("cowrie", text);
  ASSERT_THAT(reading.findings.flows, SizeIs(1));
  EXPECT_EQ(reading.findings.flows[0].application, "ssh");
  EXPECT_EQ(reading.findings.flows[0].end_wall_ns - reading.findings.flows[0].begin_wall_ns,
            2'000'000'000);
  ASSERT_THAT(reading.findings.log_lines, SizeIs(3));
  EXPECT_EQ(reading.findings.log_lines[1].source, "cowrie command.input");
}

}  // namespace
}  // namespace spoor::importers
