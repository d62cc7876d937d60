// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <cstring>

#include "base/time.hpp"
#include "importers/reading_for_tests.hpp"

namespace spoor::importers {
namespace {

using testing::SizeIs;

struct Said {
  std::uint8_t type = 0;
  std::string terminal{}, user{}, host{}, address{};
  std::uint8_t second = 0;
};

std::string RecordOf(const Said& said) {
  std::string bytes(384, '\0');
  bytes[0] = static_cast<char>(said.type);
  bytes[4] = 77;
  std::memcpy(&bytes[8], said.terminal.data(), said.terminal.size());
  std::memcpy(&bytes[44], said.user.data(), said.user.size());
  std::memcpy(&bytes[76], said.host.data(), said.host.size());
  const std::string time("\x00\xf1\x53\x65", 4);  // 2023-11-14T22:13:20Z
  std::memcpy(&bytes[340], time.data(), time.size());
  bytes[340] = static_cast<char>(said.second);
  bytes[344] = 5;
  std::memcpy(&bytes[348], said.address.data(), said.address.size());
  return bytes;
}

TEST(WtmpReader, TellsWhoCameFromWhereAndWhenTheyLeft) {
  const std::string text = RecordOf({.type = 2, .terminal = "~", .user = "reboot"}) +
                           RecordOf({.type = 6, .terminal = "tty1", .user = "LOGIN"}) +
                           RecordOf({.type = 7,
                                     .terminal = "pts/0",
                                     .user = "alice",
                                     .host = "name.example",
                                     .address = "\xc0\xa8\x01\x02",
                                     .second = 1}) +
                           RecordOf({.type = 7, .terminal = "tty1", .user = "root"}) +
                           RecordOf({.type = 8, .terminal = "pts/0", .second = 9}) +
                           RecordOf({.type = 8, .terminal = "pts/9"});
  EXPECT_EQ(DetectImporterKind(text)->name, "wtmp");
  const Reading reading = ReadAs("wtmp", text, {.host = "h", .time = {}}, 100);
  EXPECT_EQ(reading.counts.malformed_count, 0);
  const auto& lines = reading.findings.log_lines;
  ASSERT_THAT(lines, SizeIs(6));
  EXPECT_EQ(lines[0].message, "boot terminal=~ pid=77 user=reboot");
  EXPECT_EQ(lines[1].message, "getty terminal=tty1 pid=77 user=LOGIN");
  EXPECT_EQ(lines[2].message, "login terminal=pts/0 address=192.168.1.2 pid=77 user=alice");
  EXPECT_EQ(lines[2].program, "");
  EXPECT_EQ(*lines[2].wall_ns % 1'000'000'000, 5000);
  EXPECT_EQ(lines[3].message, "login terminal=tty1 address= pid=77 user=root");
  EXPECT_EQ(lines[3].program, "login");
  EXPECT_EQ(lines[4].message, "login_ended terminal=pts/0 address=192.168.1.2 pid=77 user=alice");
  EXPECT_EQ(*lines[4].wall_ns - *lines[2].wall_ns, 8'000'000'000);
  EXPECT_EQ(lines[5].message, "ended terminal=pts/9 pid=77 user=");
}

TEST(WtmpReader, TellsOfTriesThatFailedAndKeepsNamesInOneWord) {
  const std::string text =
      RecordOf({.type = 6, .terminal = "ssh:notty", .user = "a user=b", .host = "10.0.0.9"});
  EXPECT_EQ(DetectImporterKind(text)->name, "btmp");
  const Reading reading = ReadAs("btmp", text);
  ASSERT_THAT(reading.findings.log_lines, SizeIs(1));
  EXPECT_EQ(reading.findings.log_lines[0].message,
            "login_failed terminal=ssh:notty address=10.0.0.9 pid=77 user=a\\x20user=b");
  EXPECT_EQ(reading.findings.log_lines[0].program, "sshd");
}

TEST(WtmpReader, TellsThatAllOfBtmpFailedThoughLoginOfShadowSaysOtherwise) {
  const std::string text = RecordOf({.type = 7, .terminal = "tty1", .user = "root"});
  EXPECT_EQ(DetectImporterKind(text)->name, "wtmp");
  EXPECT_EQ(DetectImporterKind(text, "wtmp.1")->name, "wtmp");
  EXPECT_EQ(DetectImporterKind(text, "btmp.1")->name, "btmp");
  const Reading reading = ReadAs("btmp", text);
  ASSERT_THAT(reading.findings.log_lines, SizeIs(1));
  EXPECT_EQ(reading.findings.log_lines[0].message,
            "login_failed terminal=tty1 address= pid=77 user=root");
}

TEST(WtmpReader, CountsRecordsThatCannotBe) {
  std::string text = RecordOf({.type = 99, .terminal = "pts/0"});
  text += "cut off";
  const Reading reading = ReadAs("wtmp", text);
  EXPECT_EQ(reading.counts.record_count, 2);
  EXPECT_EQ(reading.counts.malformed_count, 2);
  EXPECT_EQ(reading.counts.first_malformed_record, 1);
}

}  // namespace
}  // namespace spoor::importers
