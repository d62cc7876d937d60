// SPDX-License-Identifier: Apache-2.0
#include "base/visible_text.hpp"

#include <gtest/gtest.h>

namespace spoor {
namespace {

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
