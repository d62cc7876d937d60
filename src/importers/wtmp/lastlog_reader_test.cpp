// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "importers/reading_for_tests.hpp"

namespace spoor::importers {
namespace {

using testing::SizeIs;

std::string Record(std::uint32_t seconds, std::string line, std::string host) {
  std::string record;
  for (int byte = 0; byte < 4; ++byte) record += static_cast<char>(seconds >> (8 * byte) & 0xff);
  line.resize(32);
  host.resize(256);
  return record + line + host;
}

TEST(LastlogReader, TellsWhoEverLoggedIn) {
  const std::string text =
      Record(1704164645, "pts/0", "192.0.2.7") + Record(0, "", "") + Record(1704164646, "tty1", "");
  EXPECT_EQ(DetectImporterKind(text)->name, "lastlog");
  for (const std::size_t part : {1U, 291U, 10000U}) {
    const Reading reading = ReadAs("lastlog", text, {.host = "h", .time = {}}, part);
    EXPECT_EQ(reading.counts.record_count, 3);
    ASSERT_THAT(reading.findings.log_lines, SizeIs(2));
    EXPECT_EQ(reading.findings.log_lines[0].message,
              "last_login uid=0 terminal=pts/0 address=192.0.2.7");
    EXPECT_EQ(reading.findings.log_lines[0].wall_ns, 1704164645000000000);
    EXPECT_EQ(reading.findings.log_lines[1].message, "last_login uid=2 terminal=tty1 address=");
  }
}

TEST(LastlogReader, CountsWhatCannotBeARecord) {
  const Reading reading = ReadAs("lastlog", Record(7, "pts/0", "h") + "cut off");
  EXPECT_EQ(reading.counts.malformed_count, 2);
  EXPECT_THAT(reading.findings.log_lines, SizeIs(0));
}

}  // namespace
}  // namespace spoor::importers
