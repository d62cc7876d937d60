// SPDX-License-Identifier: Apache-2.0
#include "undo/shell.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>

#include "base/scratch_folder.hpp"

namespace spoor::undo {
namespace {

std::string WhatTheShellHas(const std::string& text) {
  const ScratchFolder folder;
  const std::string script = (folder.path() / "script").string();
  std::ofstream(script) << ShellAssignment("value", text) << "\nprintf '%s' \"$value\"\n";
  std::FILE* out = ::popen(("sh " + script).c_str(), "r");
  std::string got;
  std::array<char, 4096> part{};
  while (const std::size_t size = std::fread(part.data(), 1, part.size(), out)) {
    got.append(part.data(), size);
  }
  ::pclose(out);
  return got;
}

TEST(Shell, GivesEveryNameBackByteForByte) {
  std::string all;
  for (int c = 1; c < 256; ++c) all += static_cast<char>(c);
  for (const std::string& text :
       {std::string("/plain"), std::string("/it's; $(id) `id` \"x\" \\ *"), std::string("/-n -e"),
        std::string("/ends in lines\n\n"), std::string("/%s%n\n"), std::string("/\xE2\x80\xAEgpj"),
        all, std::string()}) {
    EXPECT_EQ(WhatTheShellHas(text), text);
  }
}

TEST(Shell, WritesOnePrintableLineOnly) {
  std::string all;
  for (int c = 1; c < 256; ++c) all += static_cast<char>(c);
  for (const std::string& line :
       {ShellAssignment("v", all), ShellComment(all), ShellComment("a\nb\xE2\x80\xAE\xC2\x85")}) {
    for (const char c : line) EXPECT_TRUE(c >= ' ' && c <= '~') << static_cast<int>(c);
  }
  EXPECT_EQ(ShellComment("\\x0A\n"), "\\\\x0A\\x0A");
}

}  // namespace
}  // namespace spoor::undo
