// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "importers/reading_for_tests.hpp"

namespace spoor::importers {
namespace {

using testing::SizeIs;

const ImportOptions kOfAlice{.host = "h", .time = {}, .file = "case/home/alice/.bash_history"};

TEST(HistoryReader, GivesEachCommandTheTimeAboveIt) {
  const std::string text = "#1704164645\nid\n#1704164650\nfor i in 1 2\ndo ls; done\n# a remark\n";
  EXPECT_EQ(DetectImporterKind(text)->name, "shell-history");
  const Reading reading = ReadAs("shell-history", text, kOfAlice);
  ASSERT_THAT(reading.findings.log_lines, SizeIs(4));
  EXPECT_EQ(reading.findings.log_lines[0].source, "shell_history alice");
  EXPECT_EQ(reading.findings.log_lines[0].program, "bash");
  EXPECT_EQ(reading.findings.log_lines[0].message, "id");
  EXPECT_EQ(reading.findings.log_lines[0].wall_ns, 1704164645000000000);
  EXPECT_EQ(reading.findings.log_lines[2].wall_ns, 1704164650000000000);
  EXPECT_EQ(reading.findings.log_lines[3].message, "# a remark");
}

TEST(HistoryReader, IsKnownByItsNameWhereThereAreNoTimes) {
  EXPECT_EQ(DetectImporterKind("id\nls -l\n", ".bash_history")->name, "shell-history");
  EXPECT_EQ(DetectImporterKind("id\nls -l\n"), nullptr);
  const Reading reading = ReadAs("shell-history", "id\nid\n");
  ASSERT_THAT(reading.findings.log_lines, SizeIs(2));
  EXPECT_EQ(reading.findings.log_lines[0].wall_ns, std::nullopt);
  EXPECT_EQ(reading.findings.log_lines[0].source, "shell_history");
}

TEST(HistoryReader, ReadsThatOfZsh) {
  const std::string text = ": 1704164645:0;ls -l\n";
  EXPECT_EQ(DetectImporterKind(text)->name, "shell-history");
  const Reading reading = ReadAs("shell-history", text);
  EXPECT_EQ(reading.findings.log_lines.at(0).program, "zsh");
  EXPECT_EQ(reading.findings.log_lines.at(0).message, "ls -l");
  EXPECT_EQ(reading.findings.log_lines.at(0).wall_ns, 1704164645000000000);
}

}  // namespace
}  // namespace spoor::importers
