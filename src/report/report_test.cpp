// SPDX-License-Identifier: Apache-2.0
// The story of a whole break-in is told in tests/golden/queries/report_of_a_break_in.test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "queries/library.hpp"
#include "report/story.hpp"
#include "report/text.hpp"

namespace spoor::report {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::unique_ptr<store::Store> OpenStoreWith(const std::string& rows) {
  auto store = store::OpenMemoryStore(rows);
  EXPECT_TRUE(store) << store.error().message;
  const auto library = queries::Library::Load({});
  EXPECT_TRUE(library) << library.error().message;
  EXPECT_TRUE(library->Define(**store));
  return std::move(*store);
}

TEST(Name, KeepsWhatTheIntruderWroteApartFromOurWords) {
  const std::string sentence = "It read " + Name("/tmp/\x1b[2J`x`\n# Forged\x01\x02") + ".";
  EXPECT_EQ(Markdown(sentence), "It read ``/tmp/\\x1b[2J`x`\\x0a# Forged\\x01\\x02``.");
  EXPECT_EQ(Plain(sentence), "It read “/tmp/\\x1b[2J`x`\\x0a# Forged\\x01\\x02”.");
  EXPECT_EQ(Markdown(Name("`")), "`` ` ``");
  EXPECT_EQ(Markdown(Name("")), "`  `");
  EXPECT_THAT(Markdown(Name("\xe2\x80\xae"
                            "gpj.exe")),
              Not(HasSubstr("\xe2\x80\xae")));
  EXPECT_LT(Markdown(Name(std::string(100'000, 'a'))).size(), 1000u);
}

TEST(ShellWord, GivesOneWordThatNoTerminalObeys) {
  EXPECT_EQ(ShellWord("/etc/cron.d/x"), "/etc/cron.d/x");
  EXPECT_EQ(ShellWord("/tmp/a b;reboot"), "'/tmp/a b;reboot'");
  EXPECT_EQ(ShellWord("it's"), "'it'\\''s'");
  EXPECT_EQ(ShellWord("a\x1b[0m"), "$'a\\x1b[0m'");
  EXPECT_EQ(ShellWord("a\n'b\\"), "$'a\\x0a\\'b\\\\'");
  EXPECT_EQ(ShellWord("\xff\u202e"), "$'\\xff\\xe2\\x80\\xae'");
  EXPECT_EQ(ShellWord(""), "''");
}

TEST(PayloadLines, ShowControlCharactersAndStayWithinTheirBounds) {
  EXPECT_THAT(PayloadLines("GET /\r\nHost: x\r\n\r\nbody", 10),
              ElementsAre("GET /\\x0d\\x0a", "Host: x\\x0d\\x0a", "\\x0d\\x0a", "body"));
  EXPECT_THAT(PayloadLines("a\nb\nc\nd", 2), ElementsAre("a\\x0a", "b\\x0a", "… and 3 bytes more"));
  EXPECT_THAT(PayloadLines("", 2), ElementsAre());
  EXPECT_LT(PayloadLines(std::string(1 << 20, 'x'), 5).front().size(), 2010u);
}

TEST(PercentDecoded, LeavesAloneWhatIsNotHexadecimal) {
  EXPECT_EQ(PercentDecoded("a%20b%3Bc%zz%4"), "a b;c%zz%4");
  EXPECT_EQ(PercentDecoded("%00%ff"), std::string("\0\xff", 2));
}

TEST(Words, CountAndNameUsers) {
  EXPECT_EQ(Bytes(1), "1 byte");
  EXPECT_EQ(Bytes(0), "0 bytes");
  EXPECT_EQ(User(0), "root");
  EXPECT_EQ(User(33), "uid 33");
  EXPECT_EQ(User(std::nullopt), "an unknown user");
  EXPECT_EQ(Moment(1'795'293'000'123'456'789), "2026-11-21 20:30:00.123");
}

TEST(Story, IsNotToldWhereNothingIsSuspicious) {
  const auto store = OpenStoreWith("");
  const auto story = Tell(*store, {});
  ASSERT_TRUE(story) << story.error().message;
  EXPECT_FALSE(story->has_value());
}

TEST(Story, SaysWhichSessionOrProcessIsNotThere) {
  const auto store = OpenStoreWith("");
  StoryOptions options;
  options.session_id = 5;
  auto story = Tell(*store, options);
  ASSERT_FALSE(story);
  EXPECT_EQ(story.error().message, "there is no session 5");
  options = {};
  options.process_id = 6;
  story = Tell(*store, options);
  ASSERT_FALSE(story);
  EXPECT_EQ(story.error().message, "there is no process 6");
}

TEST(Story, OfAProcessWithoutASessionHasEverySectionAndTellsItsGaps) {
  const auto store = OpenStoreWith(
      "INSERT INTO process BY NAME SELECT 77 AS process_id, 1 AS host_id, 'b' AS boot_id, 7 AS "
      "pid, "
      "5 AS start_boot_ns, 5 AS start_wall_ns, 9 AS end_boot_ns, 9 AS end_wall_ns, FALSE AS "
      "baseline, "
      "'sh' AS name, 0 AS uid, 0 AS euid;"
      "INSERT INTO gap VALUES (1, 'r', 6, 7, 6, 7, 'io', 12, 'ring buffer full');"
      "INSERT INTO gap VALUES (1, 'r', 100, 107, 100, 107, 'process', 12, 'too late to matter');");
  StoryOptions options;
  options.process_id = 77;
  options.store_words = "--store x ";
  const auto told = Tell(*store, options);
  ASSERT_TRUE(told) << told.error().message;
  ASSERT_TRUE(told->has_value());
  const Story& story = **told;
  EXPECT_TRUE(story.incomplete);
  std::vector<std::string> names;
  for (const Section& section : story.sections) {
    names.push_back(section.name);
    EXPECT_FALSE(section.facts.empty() && section.lines.empty()) << section.name;
  }
  EXPECT_THAT(names, ElementsAre("summary", "entry", "hole", "processes", "root", "files",
                                 "programs", "flows", "taken", "persistence", "removed", "causes",
                                 "related", "terminal", "gaps", "next"));
  const std::string markdown = RenderMarkdown(story);
  EXPECT_THAT(markdown, HasSubstr("12 records of class `io`"));
  EXPECT_THAT(markdown, Not(HasSubstr("too late to matter")));
  EXPECT_THAT(markdown, HasSubstr("spoor track --store x --process 77 --forward"));
  EXPECT_THAT(markdown, HasSubstr("[root] 7 sh (process 77)"));
}

TEST(RenderJson, WritesOneObjectALineThatParses) {
  Story story;
  Section section{.name = "entry", .title = "Entry"};
  section.facts.push_back(
      {.text = "From " + Name("\xff\n\"x"), .wall_ns = 5, .id_kind = "flow", .id = 9});
  section.lines.push_back("a `b`");
  story.sections.push_back(section);
  std::istringstream lines(RenderJson(story));
  std::string line;
  std::getline(lines, line);
  const auto fact = nlohmann::json::parse(line);
  EXPECT_EQ(fact["text"], "From “\\xff\\x0a\"x”");
  EXPECT_EQ(fact["flow_id"], 9);
  EXPECT_EQ(fact["wall_ns"], 5);
  std::getline(lines, line);
  EXPECT_EQ(nlohmann::json::parse(line)["line"], "a `b`");
  EXPECT_FALSE(std::getline(lines, line));
}

TEST(RenderMarkdown, FencesLinesWithMoreBackticksThanTheyHold) {
  Story story;
  story.sections.push_back({.name = "x", .title = "X", .lines = {"````", "ok"}});
  EXPECT_THAT(RenderMarkdown(story), HasSubstr("\n`````text\n````\nok\n`````\n"));
}

}  // namespace
}  // namespace spoor::report
