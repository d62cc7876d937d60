// SPDX-License-Identifier: Apache-2.0
#include "importers/events_reader.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>

#include "base/file.hpp"
#include "event/event_text.hpp"

namespace spoor::importers {
namespace {

using event::Event;
using event::EventKind;
using event::ObjectType;
using testing::HasSubstr;

struct Reading {
  std::vector<Event> events;
  std::string error;
};

Reading ReadText(std::string_view text, std::size_t part_bytes = 1 << 20) {
  Reading reading;
  const auto reader = MakeEventsReader("h");
  event::Findings findings;
  Result<> result;
  for (; result && !text.empty(); text.remove_prefix(std::min(part_bytes, text.size()))) {
    result = reader->Feed(AsBytes(text.substr(0, part_bytes)), findings);
  }
  if (result) result = reader->Finish(findings);
  reading.events = std::move(findings.events);
  if (!result) reading.error = result.error().message;
  return reading;
}

Event ReadOne(std::string_view line) {
  Reading reading = ReadText(line);
  EXPECT_EQ(reading.error, "") << line;
  EXPECT_EQ(reading.events.size(), 1);
  return reading.events.empty() ? Event() : reading.events[0];
}

constexpr std::string_view kShort =
    "{\"kind\":\"fork\",\"process\":\"7\",\"child_process\":\"8\"}\n"
    "\n"
    "{\"kind\":\"open\",\"process\":8,\"path\":\"/a\",\"fd\":3}\r\n"
    "{\"kind\":\"exit\",\"process\":\"8\"}";

TEST(EventsReader, FillsInWhatShortLinesLeaveOut) {
  const Reading reading = ReadText(kShort);
  ASSERT_EQ(reading.error, "");
  ASSERT_EQ(reading.events.size(), 3);
  const Event& fork = reading.events[0];
  const Event& open = reading.events[1];
  EXPECT_EQ(fork.host, "h");
  EXPECT_EQ(fork.end_boot_ns, 1'000'000);
  EXPECT_EQ(fork.other_process->start_boot_ns, 1'000'000) << "a fork starts its child";
  EXPECT_EQ(open.end_boot_ns, 2'000'000);
  EXPECT_EQ(open.wall_ns, 2'000'000);
  EXPECT_EQ(open.process, *fork.other_process);
  EXPECT_EQ(open.tid, 8);
}

TEST(EventsReader, ReadsTheSameHoweverTheBytesAreCut) {
  const Reading whole = ReadText(kShort);
  for (std::size_t part = 1; part < kShort.size(); ++part) {
    const Reading cut = ReadText(kShort, part);
    ASSERT_EQ(cut.error, "");
    ASSERT_EQ(cut.events.size(), whole.events.size());
    for (std::size_t i = 0; i < cut.events.size(); ++i) {
      ASSERT_EQ(event::EventText(cut.events[i]), event::EventText(whole.events[i]));
    }
  }
}

TEST(EventsReader, ReportsAFileThatWasCutAnywhere) {
  const std::string line = "{\"kind\":\"exit\",\"process\":\"8\"}";
  for (std::size_t length = 1; length < line.size(); ++length) {
    const Reading reading =
        ReadText("{\"kind\":\"exit\",\"process\":\"7\"}\n" + line.substr(0, length));
    EXPECT_THAT(reading.error, HasSubstr("line 2: ")) << length;
    EXPECT_THAT(reading.error, HasSubstr("cut off")) << length;
  }
}

TEST(EventsReader, UnderstandsAllSpellingsOfIdentitiesAndTimes) {
  EXPECT_EQ(ReadOne(R"({"kind":"exit","process":"7@50"})").process, (event::ProcessKey{7, 50}));
  EXPECT_EQ(ReadOne(R"({"kind":"exit","process":{"pid":7,"start_boot_ns":50}})").process,
            (event::ProcessKey{7, 50}));
  const event::ObjectKey full{.type = ObjectType::kFile,
                              .device = 2049,
                              .inode = 12,
                              .generation = 3,
                              .instance = 4,
                              .path = {}};
  EXPECT_EQ(ReadOne(R"({"kind":"open","process":7,"object":"file:2049/12.3#4"})").object, full);
  EXPECT_EQ(
      ReadOne(R"({"kind":"open","process":7,"object":{"type":"file","device":2049,"inode":12,)"
              R"("generation":3,"instance":4}})")
          .object,
      full);
  EXPECT_EQ(ReadOne(R"({"kind":"open","process":7,"object":"path:/a:b"})").object.path, "/a:b");
  const Event timed = ReadOne(R"({"kind":"exit","process":7,"time":"2026-11-21T20:31:35Z"})");
  EXPECT_EQ(timed.wall_ns, 1'795'293'095'000'000'000);
  EXPECT_EQ(timed.end_boot_ns, 1'795'293'095'000'000'000);
  const Reading clocks = ReadText(
      "{\"kind\":\"exit\",\"process\":7,\"boot_ns\":5,\"wall_ns\":105}\n"
      "{\"kind\":\"exit\",\"process\":7,\"boot_ns\":6}\n"
      "{\"kind\":\"exit\",\"process\":7,\"wall_ns\":107}\n");
  EXPECT_EQ(clocks.events[1].wall_ns, 106);
  EXPECT_EQ(clocks.events[2].end_boot_ns, 7);
}

TEST(EventsReader, CarriesUsersOnUntilALineSaysOtherwise) {
  const Reading reading = ReadText(
      "{\"kind\":\"process\",\"process\":7,\"uid\":33}\n"
      "{\"kind\":\"fork\",\"process\":7,\"child_process\":8}\n"
      "{\"kind\":\"exec\",\"process\":8,\"path\":\"/x\",\"credentials\":{\"uid\":33,\"euid\":0}}\n"
      "{\"kind\":\"exit\",\"process\":8}\n");
  ASSERT_EQ(reading.error, "");
  EXPECT_EQ(reading.events[1].uid, 33);
  EXPECT_EQ(reading.events[3].uid, 33);
  EXPECT_EQ(reading.events[3].euid, 0);
  EXPECT_EQ(reading.events[2].credentials->suid, 0) << "follows euid";
}

TEST(EventsReader, UnderstandsFlagsModesAndPayload) {
  const Event event = ReadOne(
      R"({"kind":"open","process":7,"path":"/a","flags":"O_WRONLY|O_CREAT","mode":"0100644"})");
  EXPECT_EQ(event.flags, static_cast<std::uint64_t>(O_WRONLY | O_CREAT));
  EXPECT_EQ(event.mode, 0100644);
  EXPECT_EQ(ReadOne(R"({"kind":"read","process":7,"fd":0,"payload_base64":"AP8="})").payload,
            std::string("\0\xff", 2));
}

TEST(EventsReader, RefusesWithTheLineAndTheKey) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"kind":"exit","process":7,"exitcode":1})", "line 1: unknown key \"exitcode\""},
      {R"({"kind":"exit"})", "line 1: kind \"exit\" needs \"process\""},
      {R"({"kind":"loss"})", "line 1: kind \"loss\" needs \"loss\""},
      {R"({"kind":"open","process":7,"path":"/","flags":"O_WRONG"})", "flags has the unknown flag"},
      {R"({"kind":"open","process":7,"path":"/","boot_ns":-1})", "boot_ns is not an integer"},
      {R"({"kind":"open","process":7,"path":"/","boot_ns":18446744073709551615})", "boot_ns"},
      {R"({"kind":"read","process":7,"fd":1,"payload_base64":"!"})",
       "payload_base64 is not base64"},
      {R"({"kind":"exec","process":7,"path":"/x","arguments":["a",1]})", "arguments is not text"},
      {R"([])", "line 1: not a JSON object"},
  };
  for (const auto& [line, error] : cases) EXPECT_THAT(ReadText(line).error, HasSubstr(error));
}

TEST(EventsReader, BoundsTheLengthOfALine) {
  const std::string line(kEventLineBytesMax + 1, ' ');
  EXPECT_THAT(ReadText(line).error, HasSubstr("line 1: longer than"));
  EXPECT_THAT(ReadText("\n" + line, 1000).error, HasSubstr("line 2: longer than"));
}

TEST(EventsReader, ReadsBackWhatTheWriterWrites) {
  Event event;
  event.kind = EventKind::kExec;
  event.host = "web";
  event.boot_id = "b";
  event.end_boot_ns = 7;
  event.wall_ns = 1007;
  event.process = {4711, 5};
  event.tid = 4712;
  event.uid = 1;
  event.euid = 2;
  event.parent_process = event::ProcessKey{1, 1};
  event.command = "sh";
  event.result = -13;
  event.object = {.type = ObjectType::kFile,
                  .device = 1,
                  .inode = 2,
                  .generation = 3,
                  .instance = 4,
                  .path = {}};
  event.path = "/bin/sh";
  event.user_path = "sh";
  event.fd = 3;
  event.flags = 5;
  event.mode = 0104755;
  event.credentials = event::Credentials{.uid = 1,
                                         .euid = 2,
                                         .suid = 3,
                                         .fsuid = 4,
                                         .gid = 5,
                                         .egid = 6,
                                         .sgid = 7,
                                         .fsgid = 8,
                                         .cap_effective = 0xffffffffffffffff};
  event.arguments = {"sh", "-c", "a b", ""};
  event.arguments_truncated = true;
  event.session_id = 0;
  event.socket = event::SocketInfo{.netns = 9,
                                   .family = "inet",
                                   .type = "stream",
                                   .protocol = 6,
                                   .local_ip = "10.0.0.1",
                                   .remote_ip = "10.0.0.2",
                                   .local_port = 80,
                                   .remote_port = 4444,
                                   .unix_path = "@x",
                                   .peer_inode = 8,
                                   .state = "established"};
  event.terminal =
      event::TerminalState{.rows = 24, .columns = 80, .echo = true, .canonical = false};
  event.payload = std::string("\0\xff", 2);
  event.payload_shed = true;
  event.exit_code = 256;
  event.loss =
      event::LossCount{.loss_class = "io", .count = 3, .from_boot_ns = 1, .reason = "full"};
  const std::string text = event::EventText(event);
  EXPECT_EQ(event::EventText(ReadOne(text)), text);
  EXPECT_THAT(text, HasSubstr("18446744073709551615"));
}

TEST(EventText, KeepsTheBytesOfNamesThatAreNotUtf8) {
  EXPECT_EQ(event::MakeUtf8("a\xff"
                            "b\xc3\xa9\xc3"),
            "a\\xFFb\xc3\xa9\\xC3");
  EXPECT_EQ(event::MakeUtf8("\xed\xa0\x80"), "\\xED\\xA0\\x80") << "a surrogate is not UTF-8";
}

TEST(LooksLikeEvents, TellsEventsFromOtherFiles) {
  EXPECT_TRUE(LooksLikeEvents(kShort));
  EXPECT_TRUE(LooksLikeEvents(" \n {\"process\":7,\"kind\":\"exit\"}"));
  EXPECT_FALSE(LooksLikeEvents(""));
  EXPECT_FALSE(LooksLikeEvents("{\"event_type\":\"alert\"}"));
  EXPECT_FALSE(LooksLikeEvents("\xd4\xc3\xb2\xa1"));
}

}  // namespace
}  // namespace spoor::importers
