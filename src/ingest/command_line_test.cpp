// SPDX-License-Identifier: Apache-2.0
#include "ingest/command_line.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdio>
#include <string>
#include <vector>

namespace spoor::ingest {
namespace {

using Words = std::vector<std::string>;

TEST(CommandLine, QuotesAsAPersonWould) {
  EXPECT_EQ(CommandLine(Words{"ls", "-la", "/root"}), "ls -la /root");
  EXPECT_EQ(CommandLine(Words{"sh", "-c", "id; ls"}), "sh -c 'id; ls'");
  EXPECT_EQ(CommandLine(Words{"sh", "-c", "bash -c 'id'"}), "sh -c \"bash -c 'id'\"");
  EXPECT_EQ(CommandLine(Words{"echo", ""}), "echo ''");
}

TEST(CommandLine, GivesAShellTheSameWordsBack) {
  for (const std::string& word :
       {std::string("plain"), std::string("it's"), std::string("'$HOME'"), std::string("a\"b'c"),
        std::string("'`id`'"), std::string("'\\n"), std::string("'!!'"), std::string("'\n'"),
        std::string("*"), std::string("~")}) {
    const std::string command = CommandLine(Words{"printf", "%s", word});
    FILE* const shell = popen(command.c_str(), "r");
    ASSERT_NE(shell, nullptr);
    char output[64];
    const std::size_t size = std::fread(output, 1, sizeof(output), shell);
    EXPECT_EQ(pclose(shell), 0) << command;
    EXPECT_EQ(std::string(output, size), word) << command;
  }
}

}  // namespace
}  // namespace spoor::ingest
