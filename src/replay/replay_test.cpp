// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "replay/cast.hpp"
#include "replay/playback_filter.hpp"
#include "replay/recording.hpp"
#include "replay/rows.hpp"
#include "replay/screen.hpp"
#include "replay/text.hpp"
#include "store/store.hpp"

namespace spoor::replay {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::vector<nlohmann::json> Lines(const std::string& text) {
  std::vector<nlohmann::json> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(nlohmann::json::parse(line, nullptr, false));
    EXPECT_FALSE(lines.back().is_discarded()) << line;
  }
  return lines;
}

TerminalEvent Event(EventType type, std::int64_t boot_ns, const std::string& bytes) {
  TerminalEvent event;
  event.type = type;
  event.boot_ns = boot_ns;
  event.bytes = bytes;
  return event;
}

TEST(VisibleKeys, ShowsCorrectionsAndControlCharacters) {
  EXPECT_EQ(VisibleKeys("whoamj\x7fi\r"), "whoamj[DEL]i");
  EXPECT_EQ(VisibleKeys("a\bb\x03\x04\tc"), "a[BS]b^C^D[TAB]c");
  EXPECT_EQ(VisibleKeys(std::string("x\0y", 3)), "x\\000y");
  EXPECT_EQ(VisibleKeys("\x1b[A\x1bOB\x1b[5~\x1b[1;5C\x1b"), "[UP][DOWN][PGUP][ESC][1;5C[ESC]");
  EXPECT_EQ(VisibleKeys("gr\xc3\xbc\xff"), "grü\\377");
}

std::string LineAfter(std::string_view printed, std::int64_t columns = 80) {
  Screen screen(5, columns);
  screen.Print(printed);
  return screen.CursorLine();
}

TEST(Screen, CarriesLineEditingOut) {
  EXPECT_EQ(LineAfter("$ whoamj\b\x1b[Ki"), "$ whoami");
  EXPECT_EQ(LineAfter("$ whoamj\b \bi\r"), "$ whoami");
  EXPECT_EQ(LineAfter("10%\r100%"), "100%");
  EXPECT_EQ(LineAfter("abcd\x1b[3D\x1b[1PX\x1b[1@"), "aX d") << "delete and insert";
  EXPECT_EQ(LineAfter("a\tb"), "a       b");
}

TEST(Screen, JoinsRowsThatOneLineWasWrappedOver) {
  EXPECT_EQ(LineAfter("$ 34567890abc", 10), "$ 34567890abc");
  EXPECT_EQ(LineAfter("one\r\n$ 34567890abc", 10), "$ 34567890abc");
  EXPECT_EQ(LineAfter("1234567890123456789012345\x1b[A\rX", 10), "1234567890X234567890")
      << "the cursor was moved up into the middle";
  EXPECT_EQ(LineAfter("a\r\nb\x1b[1;1Hc"), "c") << "addressed";
}

TEST(Screen, KnowsTheAlternateScreen) {
  Screen screen(3, 10);
  screen.Print("shell\x1b[?1049h\x1b[2;3Hfull\xe2\x82\xac");
  EXPECT_TRUE(screen.is_alternate());
  EXPECT_THAT(screen.Rows(), testing::ElementsAre("", "  full\xe2\x82\xac", ""));
  screen.Print("\x1b[?1049l");
  EXPECT_FALSE(screen.is_alternate());
  EXPECT_EQ(screen.CursorLine(), "shell");
}

TEST(Screen, RepeatsACharacterAndComesBackWhereThereIsNone) {
  Screen screen(3, 20);
  screen.Print("\x1b[0b\x1b[4b\xcc\x81\x1b[3b");  // after nothing, and after an accent alone
  screen.Print("\ra=\x1b[");
  screen.Print("4bc\x1b[1m\x1b[5b");  // cut anywhere; not after another sequence
  EXPECT_EQ(screen.CursorLine(), "a=====c");
  screen.Print("\r-\x1b[9999b");
  EXPECT_EQ(screen.CursorLine(), std::string(19, '-'));
}

TEST(Screen, LeavesNoControlCharacter) {
  EXPECT_EQ(LineAfter("\x1b]0;title\x07\x1b[?2004h\x1b[1;31mred\x1b[0m"), "red");
  EXPECT_LT(LineAfter("\x1b[999999999Cx\x1b[999999999@").size(), 20000u);
  EXPECT_EQ(LineAfter("\x05x\x7f"), "x");
  EXPECT_EQ(LineAfter("cut \x1b[3"), "cut");
  Screen screen(1'000'000'000, -5);
  screen.Resize(0, 1'000'000'000);
  screen.Print("still \xff there\xe2\x80\xae");
  EXPECT_EQ(screen.CursorLine().find("\xe2\x80\xae"), std::string::npos);
}

Recording Session(const std::vector<TerminalEvent>& events, std::int64_t columns = 80) {
  Recording recording;
  recording.columns = columns;
  recording.events = events;
  return recording;
}

/// The marks and texts of the lines, without times.
std::string Told(const Recording& recording) {
  std::string told;
  std::istringstream lines(RenderText(recording, {}));
  for (std::string line; std::getline(lines, line);)
    told += line.substr(line.find("? ") + 2) + "\n";
  return told;
}

TEST(RenderText, ShowsALineThatWrappedAsOne) {
  EXPECT_EQ(Told(Session({{.bytes = "$ echo 123456789\r\n1234"}, {.bytes = "56789\r\n"}}, 10)),
            "< $ echo 123456789\n< 123456789\n");
}

TEST(RenderText, PutsWhatIsNotEchoedBehindItsPrompt) {
  EXPECT_EQ(Told(Session({{.bytes = "$ su\r\nPassword: "},
                          {.type = EventType::kInput, .bytes = "hunter2\r", .echo_off = true},
                          {.bytes = "\r\n# "}})),
            "< $ su\n< Password:\n> (not echoed) hunter2\n< #\n");
}

TEST(RenderText, ShowsTheWholeScreenAsItWasBeforeEachKeyAndAtItsEnd) {
  EXPECT_EQ(Told(Session({{.bytes = "$ vi\r\n\x1b[?1049h\x1b[Habc\r\ndef"},
                          {.type = EventType::kInput, .bytes = "x"},
                          {.bytes = "\x1b[H\x1b[Pq"},
                          {.bytes = "\x1b[?1049l$ "}})),
            "< $ vi\n<   1| abc\n<   2| def\n<   1| qc\n< $\n> x\n");
}

TEST(PlaybackFilter, KeepsWhatDraws) {
  PlaybackFilter filter;
  const std::string drawing =
      "\x1b[2J\x1b[1;31mred\x1b[0m\x1b[10;5H\x1b[?25l\x1b[?1049h\r\n\x1b(0q\x1b(B";
  EXPECT_EQ(filter.Filter(drawing), drawing);
}

// Found by the fuzzer: ESC # ) was kept though a NUL had broken it off, and took the next
// character.
TEST(PlaybackFilter, DropsASequenceThatWasBrokenOffSoThatItCannotGoOnLater) {
  PlaybackFilter filter;
  EXPECT_EQ(filter.Filter(std::string_view("a\x1b#)\0r\x1b(#\0c", 11)), "arc");
}

TEST(PlaybackFilter, DropsWhatMakesTerminalsAnswerOrActs) {
  for (const char* bytes : {"\x1b[c",
                            "\x1b[>c",
                            "\x1b[=c",
                            "\x1b[6n",
                            "\x1b[?6n",
                            "\x1b[5n",
                            "\x1b[x",
                            "\x1b[21t",
                            "\x1b[18t",
                            "\x1b[?25$p",
                            "\x1b[>q",
                            "\x1b[?u",
                            "\x1b[1;1;1;1;1;1*y",
                            "\x1bZ",
                            "\x05",
                            "\x1bP$qm\x1b\\",
                            "\x1bP+q544e\x1b\\",
                            "\x1b]52;c;ZXZpbA==\x07",
                            "\x1b]52;c;?\x1b\\",
                            "\x1b]0;title\x07",
                            "\x1b]11;?\x07",
                            "\x1b_Gi=1;AAAA\x1b\\",
                            "\x1b^x\x1b\\",
                            "\x1b[?1000h",
                            "\x1b[?1004h",
                            "\x1b[?2004h",
                            "\x1b[5i",
                            "\xc2\x9b\x36n",
                            "\x1b[3J",
                            "\x1b[99999999b"}) {
    PlaybackFilter filter;
    const std::string kept = filter.Filter(bytes);
    EXPECT_THAT(kept, Not(HasSubstr("\x1b"))) << bytes + 1;
    EXPECT_THAT(kept, Not(HasSubstr("\xc2\x9b")));
    EXPECT_EQ(filter.Filter("after"), "after") << bytes + 1;
  }
}

TEST(PlaybackFilter, DoesNotDependOnWhereTheStreamIsCut) {
  const std::string stream =
      "a\x1b[31mb\x1b]52;c;AA\x1b\\c\x1bP$qm\x1b\\d\xe2\x82\xac\xff\x1b[6n\x1b[0m!";
  PlaybackFilter whole;
  const std::string expected = whole.Filter(stream);
  EXPECT_EQ(expected, "a\x1b[31mbcd\xe2\x82\xac\xef\xbf\xbd\x1b[0m!");
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    PlaybackFilter filter;
    std::string got = filter.Filter(stream.substr(0, cut));
    got += filter.Filter(stream.substr(cut));
    EXPECT_EQ(got, expected) << "cut at " << cut;
  }
}

TEST(Cast, Version2HasAbsoluteSecondsAndVersion3Intervals) {
  Recording recording;
  recording.host = "web";
  recording.title = "/dev/pts/3";
  recording.wall_shift_ns = 1'795'293'000'000'000'000;
  recording.rows = 30;
  recording.columns = 100;
  recording.events = {Event(EventType::kOutput, 1'000'000'000, "$ "),
                      Event(EventType::kInput, 2'500'000'000, "i"),
                      Event(EventType::kMarker, 3'000'000'000, "exec id"),
                      Event(EventType::kResize, 4'000'000'000, "")};
  recording.events[3].rows = 40;
  recording.events[3].columns = 120;

  const auto v2 = Lines(MakeCast(recording, {.version = 2}).text);
  EXPECT_EQ(v2[0]["version"], 2);
  EXPECT_EQ(v2[0]["width"], 100);
  EXPECT_EQ(v2[0]["height"], 30);
  EXPECT_EQ(v2[0]["timestamp"], 1'795'293'001);
  EXPECT_EQ(v2[1], (nlohmann::json{0.0, "o", "$ "}));
  EXPECT_EQ(v2[2], (nlohmann::json{1.5, "i", "i"}));
  EXPECT_EQ(v2[3], (nlohmann::json{2.0, "m", "exec id"}));
  EXPECT_EQ(v2[4], (nlohmann::json{3.0, "r", "120x40"}));

  const auto v3 = Lines(MakeCast(recording, {.version = 3, .idle_max_ns = 2'000'000'000}).text);
  EXPECT_EQ(v3[0]["version"], 3);
  EXPECT_EQ(v3[0]["term"]["cols"], 100);
  EXPECT_EQ(v3[0]["term"]["rows"], 30);
  EXPECT_EQ(v3[0]["idle_time_limit"], 2.0);
  EXPECT_EQ(v3[2][0], 1.5);
  EXPECT_EQ(v3[3][0], 0.5);
  EXPECT_EQ(v3[4][0], 1.0);
}

TEST(Cast, KeepsBytesThatAreNotUtf8BesideIt) {
  Recording recording;
  recording.events = {Event(EventType::kOutput, 0, "ok \xe2\x82"),
                      Event(EventType::kOutput, 1000, "\xac!"),
                      Event(EventType::kOutput, 2000, "\xff\xfe")};
  const Cast cast = MakeCast(recording, {});
  const auto lines = Lines(cast.text);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[1][2], "ok ");
  EXPECT_EQ(lines[2][2], "€!") << "a character cut between two events is whole in the second";
  EXPECT_EQ(lines[3][2], "\xef\xbf\xbd\xef\xbf\xbd");
  const auto raw = Lines(cast.raw);
  ASSERT_EQ(raw.size(), 1u);
  EXPECT_EQ(raw[0]["event"], 4);
  EXPECT_EQ(raw[0]["data_base64"], "//4=");
}

IoRow Io(std::int64_t boot_ns, bool master, bool out, const std::string& data) {
  return {.event_id = boot_ns,
          .process_id = master ? 1 : 2,
          .boot_ns = boot_ns,
          .out = out,
          .pty_master = master,
          .size_bytes = data.size(),
          .data = data,
          .state = {}};
}

TEST(Combine, TakesEveryByteFromOneEndOnly) {
  const Recording recording =
      Combine({Io(10, true, true, "lss\x7f\r"), Io(11, false, false, "ls\n"),
               Io(12, false, true, "a\n"), Io(13, true, false, "a\r\n")},
              {});
  ASSERT_EQ(recording.events.size(), 2u);
  EXPECT_EQ(recording.events[0].bytes, "lss\x7f\r") << "raw keys, not the edited line";
  EXPECT_EQ(recording.events[0].type, EventType::kInput);
  EXPECT_EQ(recording.events[0].process_id, 2) << "the program that was typed to";
  EXPECT_EQ(recording.events[1].bytes, "a\r\n") << "as the screen got it";
  EXPECT_EQ(recording.events[1].process_id, 2) << "the program that printed";
  EXPECT_THAT(recording.input_side, HasSubstr("master"));
}

TEST(Combine, TellsTheProgramsApartWhoseOutputTheMasterReadAtOnce) {
  std::vector<IoRow> rows = {Io(10, false, true, "$ "), Io(11, false, true, "one\n"),
                             Io(12, false, true, "$ "), Io(13, true, false, "$ ls\r\none\r\n$ ")};
  rows[1].process_id = 3;
  const Recording recording = Combine(rows, {});
  ASSERT_EQ(recording.events.size(), 3u);
  EXPECT_EQ(recording.events[0].bytes, "$ ls\r\n") << "with the echo, which nobody wrote";
  EXPECT_EQ(recording.events[0].process_id, 2);
  EXPECT_EQ(recording.events[1].bytes, "one\r\n");
  EXPECT_EQ(recording.events[1].process_id, 3);
  EXPECT_EQ(recording.events[2].bytes, "$ ");
  EXPECT_EQ(recording.events[2].process_id, 2);
}

TEST(Combine, TellsThePrinterAgainBehindOutputThatWasNotCaptured) {
  std::vector<IoRow> rows = {Io(10, false, true, "first"), Io(11, true, false, "first"),
                             Io(12, false, true, "second"), Io(13, true, false, "second")};
  rows[0].data.reset();
  rows[2].process_id = 3;
  const Recording recording = Combine(rows, {});
  ASSERT_EQ(recording.events.size(), 2u);
  EXPECT_EQ(recording.events[0].process_id, 2);
  EXPECT_EQ(recording.events[1].process_id, 3);
}

TEST(Combine, KeepsTheMastersOutputWhenItLeftTheLastLineUnread) {
  const Recording recording =
      Combine({Io(12, false, true, "a long line\n"), Io(13, true, false, "a long line\r\n"),
               Io(14, false, true, "ex\n")},
              {});
  ASSERT_EQ(recording.events.size(), 1u);
  EXPECT_EQ(recording.events[0].bytes, "a long line\r\n");
  EXPECT_FALSE(recording.line_feeds_only);
}

TEST(LineEnds, AddsWhatTheTerminalWouldHaveAddedAcrossCuts) {
  Recording recording;
  recording.line_feeds_only = true;
  LineEnds line_ends(recording);
  EXPECT_EQ(line_ends.Apply("a\nb\r"), "a\r\nb\r");
  EXPECT_EQ(line_ends.Apply("\nc"), "\nc");
  recording.line_feeds_only = false;
  EXPECT_EQ(LineEnds(recording).Apply("a\n"), "a\n");
}

TEST(Combine, UsesTheProgramsEndWhereTheMasterWasNotRecorded) {
  const Recording recording =
      Combine({Io(11, false, false, "ls\n"), Io(12, false, true, "a\n")}, {});
  ASSERT_EQ(recording.events.size(), 2u);
  EXPECT_EQ(recording.events[0].type, EventType::kInput);
  EXPECT_EQ(recording.events[1].type, EventType::kOutput);
  EXPECT_THAT(recording.output_side, Not(HasSubstr("master")));
}

TEST(Combine, MarksWhatWasTypedWithEchoOff) {
  const StateRow on{.event_id = 1, .process_id = 2, .boot_ns = 5, .state = {24, 80, true, true}};
  const StateRow off{.event_id = 2, .process_id = 2, .boot_ns = 15, .state = {24, 80, false, true}};
  const StateRow raw{
      .event_id = 3, .process_id = 2, .boot_ns = 25, .state = {50, 90, false, false}};
  const Recording recording = Combine(
      {Io(10, true, true, "sudo id\r"), Io(20, true, true, "hunter2\r"), Io(30, true, true, "x")},
      {on, off, raw});
  ASSERT_EQ(recording.events.size(), 4u);
  EXPECT_FALSE(recording.events[0].echo_off);
  EXPECT_TRUE(recording.events[1].echo_off);
  EXPECT_EQ(recording.events[2].type, EventType::kResize);
  EXPECT_EQ(recording.events[2].columns, 90);
  EXPECT_FALSE(recording.events[3].echo_off) << "a line editor that echoes itself";
  EXPECT_EQ(recording.rows, 24);
}

/// A shell (20) under sshd (10) on pty 500, a second pty 501 of process 30, a reverse shell (40)
/// without a terminal whose child (41) prints too.
constexpr const char* kTerminals = R"(
  INSERT INTO host VALUES (1, 'web');
  INSERT INTO process (process_id, host_id, boot_id, pid, start_boot_ns, parent_process_id, baseline,
                       name)
  VALUES (1000010, 1, 'b', 10, 1, NULL, false, 'sshd'), (1000020, 1, 'b', 20, 2, 1000010, false, 'bash'),
         (1000021, 1, 'b', 21, 3, 1000020, false, 'id'), (1000030, 1, 'b', 30, 4, NULL, false, 'tmux'),
         (1000040, 1, 'b', 40, 5, NULL, false, 'sh'), (1000041, 1, 'b', 41, 6, 1000040, false, 'ls'),
         (1000050, 1, 'b', 50, 7, NULL, false, 'quiet');
  INSERT INTO object (object_id, host_id, type, first_boot_ns, path)
  VALUES (1000500, 1, 'pty', 1, '/dev/pts/0'), (1000501, 1, 'pty', 1, '/dev/pts/1'),
         (1000600, 1, 'socket', 1, NULL);
  INSERT INTO event (event_id, host_id, boot_id, boot_ns, end_boot_ns, wall_ns, process_id, tid, kind,
                     count, result, uid, euid, baseline)
  SELECT n, 1, 'b', n, n, 1795293000000000000 + n, 1000020, 20, 'read', 1, 0, 0, 0, false
  FROM range(1, 60) AS r(n);
  INSERT INTO io (event_id, host_id, process_id, object_id, fd, boot_ns, wall_ns, direction,
                  size_bytes, data, pty_master, echo, canonical)
  VALUES (10, 1, 1000010, 1000500, 9, 10, 10, 'out', 4, 'idx\x7F'::BLOB, true, NULL, NULL),
         (11, 1, 1000010, 1000500, 9, 11, 11, 'out', 1, '\x0D'::BLOB, true, NULL, NULL),
         (12, 1, 1000020, 1000500, 0, 12, 12, 'in', 3, 'id\x0A'::BLOB, false, true, true),
         (14, 1, 1000021, 1000500, 1, 14, 14, 'out', 8, 'uid=0\x0A'::BLOB, false, true, true),
         (15, 1, 1000010, 1000500, 9, 15, 15, 'in', 9, 'uid=0\x0D\x0A'::BLOB, true, NULL, NULL),
         (20, 1, 1000030, 1000500, 1, 20, 20, 'out', 1, 'x'::BLOB, false, true, true),
         (21, 1, 1000030, 1000501, 5, 21, 21, 'in', 1, 'x'::BLOB, true, NULL, NULL),
         (30, 1, 1000040, 1000600, 0, 30, 30, 'in', 3, 'ls\x0A'::BLOB, false, NULL, NULL),
         (31, 1, 1000040, 1000600, 1, 31, 31, 'out', 2, '$ '::BLOB, false, NULL, NULL),
         (32, 1, 1000041, 1000600, 1, 32, 32, 'out', 6, NULL, false, NULL, NULL);
  INSERT INTO exec (event_id, process_id, boot_ns, wall_ns, result, executable, arguments_truncated,
                    command_line, uid, euid, gid, egid)
  VALUES (13, 1000021, 13, 13, 0, '/usr/bin/id', false, 'id', 0, 0, 0, 0);)";

class LoadTest : public testing::Test {
 protected:
  LoadTest() : store_(std::move(*store::OpenMemoryStore(kTerminals))) {}
  Recording LoadOf(const std::string& who) {
    auto recording = Load(*store_, {.who = who});
    EXPECT_TRUE(recording) << recording.error().message;
    return recording ? std::move(*recording) : Recording();
  }
  std::unique_ptr<store::Store> store_;
};

TEST_F(LoadTest, ShowsKeysProgramsAndOutputOfAShell) {
  const Recording recording = LoadOf("20");
  EXPECT_EQ(RenderText(recording, {}),
            "[2026-11-21 20:30:00.000] bash[20] > idx[DEL]\n"
            "[2026-11-21 20:30:00.000] id[21] * exec id\n"
            "[2026-11-21 20:30:00.000] id[21] < uid=0\n"
            "[2026-11-21 20:30:00.000] id[21] < [… 2 bytes not captured …]\n");
  EXPECT_EQ(RenderText(recording, {.input_only = true}),
            "[2026-11-21 20:30:00.000] bash[20] > idx[DEL]\n");
  EXPECT_EQ(recording.missing_bytes, 2u);
  EXPECT_EQ(recording.host, "web");
  EXPECT_EQ(recording.title, "/dev/pts/0");
}

TEST_F(LoadTest, TakesAnyProcessOnTheTerminalOrAbove) {
  for (const char* who : {"20", "21", "10", "1000500"}) {
    EXPECT_EQ(LoadOf(who).title, "/dev/pts/0") << who;
  }
}

TEST_F(LoadTest, ListsTheTerminalsWhenThereAreSeveral) {
  const auto recording = Load(*store_, {.who = "30"});
  ASSERT_FALSE(recording);
  EXPECT_EQ(recording.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(recording.error().message, HasSubstr("1000500 (/dev/pts/0), 1000501 (/dev/pts/1)"));
}

TEST_F(LoadTest, ShowsAShellWithoutATerminalWithItsChildren) {
  const Recording recording = LoadOf("40");
  ASSERT_EQ(recording.events.size(), 3u);
  EXPECT_EQ(recording.events[0].type, EventType::kInput);
  EXPECT_EQ(recording.events[1].bytes, "$ ");
  EXPECT_EQ(recording.events[2].process_id, 1000041);
  EXPECT_EQ(recording.events[2].missing_bytes, 6u);
}

TEST_F(LoadTest, SaysWhenThereIsNothing) {
  const auto recording = Load(*store_, {.who = "50"});
  ASSERT_FALSE(recording);
  EXPECT_EQ(recording.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace spoor::replay
