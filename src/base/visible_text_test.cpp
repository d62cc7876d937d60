// SPDX-License-Identifier: Apache-2.0
#include "base/visible_text.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <vector>

namespace spoor {
namespace {

std::string Utf8(char32_t code) {
  const auto byte = [](char32_t value) { return static_cast<char>(value); };
  if (code < 0x80) return {byte(code)};
  if (code < 0x800) return {byte(0xc0 | code >> 6), byte(0x80 | (code & 0x3f))};
  if (code < 0x10000) {
    return {byte(0xe0 | code >> 12), byte(0x80 | (code >> 6 & 0x3f)), byte(0x80 | (code & 0x3f))};
  }
  return {byte(0xf0 | code >> 18), byte(0x80 | (code >> 12 & 0x3f)),
          byte(0x80 | (code >> 6 & 0x3f)), byte(0x80 | (code & 0x3f))};
}

struct Range {
  const char* name;
  char32_t first;
  char32_t last;
};

constexpr Range kHarmful[] = {
    {"C0 control", 0x00, 0x1f},
    {"DEL", 0x7f, 0x7f},
    {"C1 control", 0x80, 0x9f},
    {"soft hyphen", 0xad, 0xad},
    {"combining grapheme joiner", 0x34f, 0x34f},
    {"Arabic letter mark", 0x61c, 0x61c},
    {"Hangul filler", 0x115f, 0x1160},
    {"Mongolian selectors", 0x180b, 0x180f},
    {"zero width and direction marks", 0x200b, 0x200f},
    {"line and paragraph separator", 0x2028, 0x2029},
    {"embedding and override", 0x202a, 0x202e},
    {"word joiner and invisible operators", 0x2060, 0x2064},
    {"isolates", 0x2066, 0x2069},
    {"deprecated format characters", 0x206a, 0x206f},
    {"Hangul filler", 0x3164, 0x3164},
    {"variation selectors", 0xfe00, 0xfe0f},
    {"byte order mark", 0xfeff, 0xfeff},
    {"halfwidth Hangul filler", 0xffa0, 0xffa0},
    {"interlinear annotation", 0xfff9, 0xfffb},
    {"shorthand format controls", 0x1bca0, 0x1bca3},
    {"musical format controls", 0x1d173, 0x1d17a},
    {"tags", 0xe0000, 0xe007f},
    {"more variation selectors", 0xe0100, 0xe01ef},
};

// Neighbours of the ranges and other ordinary characters.
constexpr char32_t kHarmless[] = {0x20,   0x7e,   0xa0,   0xac,    0xae,    0x34e,   0x350,
                                  0x61b,  0x61d,  0x5d0,  0x627,   0x115e,  0x1161,  0x180a,
                                  0x1810, 0x200a, 0x2010, 0x2027,  0x202f,  0x205f,  0x2070,
                                  0x3163, 0x3165, 0xfdff, 0xfe10,  0xfefe,  0xff00,  0xffef,
                                  0xfffc, 0xfffd, 0x65e5, 0x1f642, 0xdffff, 0xe1000, 0x10ffff};

struct Malformed {
  const char* name;
  std::string_view bytes;
};

constexpr Malformed kMalformed[] = {
    {"lone continuation", "\x9b"},
    {"overlong ESC in two bytes", "\xc0\x9b"},
    {"overlong slash in three bytes", "\xe0\x80\xaf"},
    {"overlong U+202E in four bytes", "\xf0\x82\x80\xae"},
    {"high surrogate", "\xed\xa0\x80"},
    {"surrogate pair (CESU-8)", "\xed\xa0\xbd\xed\xb8\x80"},
    {"beyond U+10FFFF", "\xf4\x90\x80\x80"},
    {"cut off", "\xe2\x80"},
    {"never in UTF-8", "\xff\xfe"},
};

/// No byte but those of printable ASCII and of characters that are not harmful.
void ExpectHarmless(std::string_view shown, std::string_view what) {
  while (!shown.empty()) {
    const Utf8Character character = FirstCharacter(shown);
    ASSERT_TRUE(character.valid) << what;
    for (const Range& range : kHarmful) {
      ASSERT_FALSE(character.code >= range.first && character.code <= range.last)
          << what << ": " << range.name;
    }
    shown.remove_prefix(character.size_bytes);
  }
}

TEST(VisibleText, SpellsEveryHarmfulCharacterInEveryForm) {
  for (const Range& range : kHarmful) {
    for (char32_t code = range.first; code <= range.last; ++code) {
      const std::string text = "a" + Utf8(code) + "b";
      ExpectHarmless(VisibleText(text), range.name);
      ExpectHarmless(VisibleLine(text), range.name);
      EXPECT_EQ(VisibleText(text), VisibleLine(text)) << range.name;
      if (code != U'\n') ExpectHarmless(VisibleLines(text), range.name);
      EXPECT_TRUE(VisibleLine(text).starts_with("a\\") && VisibleLine(text).ends_with("b"));
    }
  }
}

TEST(VisibleText, LeavesHarmlessCharactersAsTheyAreInEveryForm) {
  for (const char32_t code : kHarmless) {
    const std::string text = Utf8(code);
    EXPECT_EQ(VisibleText(text), text) << std::hex << static_cast<unsigned>(code);
    EXPECT_EQ(VisibleLine(text), text);
    EXPECT_EQ(VisibleLines(text), text);
    EXPECT_EQ(VisibleJson(text), text);
  }
}

TEST(VisibleText, SpellsEachByteThatIsNotUtf8) {
  for (const Malformed& malformed : kMalformed) {
    std::string expected;
    for (const char c : malformed.bytes) {
      expected += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
    EXPECT_EQ(VisibleText(malformed.bytes), expected) << malformed.name;
    EXPECT_EQ(VisibleLine(malformed.bytes), expected) << malformed.name;
    EXPECT_EQ(VisibleLines(malformed.bytes), expected) << malformed.name;
    ExpectHarmless(VisibleJson(malformed.bytes), malformed.name);
  }
}

TEST(VisibleLine, IsTheSameWhenItIsMadeVisibleAgain) {
  const std::string once = VisibleLine("a\\b\x1b\xff\u202e");
  EXPECT_EQ(once, "a\\b\\x1b\\xff\\u{202e}");
  EXPECT_EQ(VisibleLine(once), once);
}

TEST(VisibleLines, KeepsLineFeedsOnly) {
  EXPECT_EQ(VisibleLines("a\nb\r\tc\u2028"), "a\nb\\x0d\\x09c\\u{2028}");
}

TEST(VisibleJson, ParsesToTheSameValueAndShowsNothingHarmful) {
  std::string all;
  for (const Range& range : kHarmful) {
    for (char32_t code = range.first; code <= range.last; ++code) all += Utf8(code);
  }
  const nlohmann::json value{{"key" + all, all}, {"quoted", "\"\\"}, {"list", {1, all}}};
  for (const int indent : {-1, 1}) {
    const std::string shown = VisibleJson(value.dump(indent));
    EXPECT_EQ(nlohmann::json::parse(shown), value);
    std::string flat = shown;
    std::erase(flat, '\n');
    ExpectHarmless(flat, "JSON");
  }
}

TEST(CharacterCount, CountsBytesThatAreNotUtf8Alone) {
  EXPECT_EQ(CharacterCount("größe🙂"), 6u);
  EXPECT_EQ(CharacterCount("\xff\xe2\x82"), 3u);
}

TEST(VisibleText, KeepsOrdinaryTextOfAnyLanguage) {
  EXPECT_EQ(VisibleText("ls -l /tmp/größe 日本 🙂"), "ls -l /tmp/größe 日本 🙂");
}

TEST(VisibleText, ShowsControlCharactersAndBackslashes) {
  EXPECT_EQ(VisibleText("a\x1b]52;c;x\x07\n\x7f\\"), "a\\x1b]52;c;x\\x07\\x0a\\x7f\\\\");
  EXPECT_EQ(VisibleText(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(VisibleText("\xc2\x9b"), "\\u{9b}") << "C1 control sequence introducer";
}

TEST(VisibleText, ShowsWhatTurnsTextAround) {
  EXPECT_EQ(VisibleText("evil\u202etxt.exe"), "evil\\u{202e}txt.exe");
  EXPECT_EQ(VisibleText("a\u200bb\u2028"), "a\\u{200b}b\\u{2028}");
}

TEST(VisibleText, ShowsBytesThatAreNotUtf8) {
  EXPECT_EQ(VisibleText("\xff\xc0\xaf"), "\\xff\\xc0\\xaf") << "overlong slash";
  EXPECT_EQ(VisibleText("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "surrogate";
  EXPECT_EQ(VisibleText("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "beyond U+10FFFF";
  EXPECT_EQ(VisibleText("x\xe2\x82"), "x\\xe2\\x82") << "cut off";
}

TEST(VisibleText, CutsAtCharacters) {
  EXPECT_EQ(VisibleText("größer", 4), "grö…");
  EXPECT_EQ(VisibleText("größer", 6), "größer");
}

TEST(FirstCharacter, TellsIncompleteFromWrong) {
  EXPECT_TRUE(FirstCharacter("\xe2\x82").incomplete);
  EXPECT_FALSE(FirstCharacter("\xe2\x28").incomplete);
  EXPECT_EQ(FirstCharacter("\xe2\x82\xac!").code, U'€');
  EXPECT_EQ(FirstCharacter("\xe2\x82\xac!").size_bytes, 3u);
}

}  // namespace
}  // namespace spoor
