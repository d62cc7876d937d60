// SPDX-License-Identifier: Apache-2.0
#include "store/quoted_path.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "base/scratch_folder.hpp"

namespace spoor::store {
namespace {

namespace fs = std::filesystem;

/// The path that an SQL string without quotes in it stands for.
fs::path Unquoted(const std::string& literal) {
  return literal.substr(1, literal.size() - 2);
}

TEST(QuotedPath, LeavesOrdinaryPathsAsTheyAre) {
  EXPECT_EQ(QuotedPath("/srv/größe/it's.parquet"), "'/srv/größe/it''s.parquet'");
  EXPECT_EQ(QuotedPath("store/segments/"), "'store/segments/'");
}

TEST(QuotedPath, ReachesFoldersThatDuckDbCannotBeTold) {
  const ScratchFolder scratch;
  for (const char* name : {"\xff", "a[b]", "*", "x\xed\xa0\x80/what?"}) {
    const fs::path folder = scratch.path() / name / "segments";
    ASSERT_TRUE(CreateFolders(folder));
    ASSERT_TRUE(WriteFileAtomically(folder / "file", AsBytes("here")));
    const std::string literal = QuotedPath(folder / "file");
    EXPECT_TRUE(literal.starts_with("'/proc/self/fd/")) << literal;
    EXPECT_TRUE(literal.ends_with("/segments/file'")) << literal;
    EXPECT_EQ(ReadTextFile(Unquoted(literal), 100).value_or("not found"), "here") << name;
    EXPECT_EQ(QuotedPath(folder / "file"), literal) << "the same descriptor again";
  }
}

TEST(QuotedPath, SeesThatAFolderWasReplaced) {
  const ScratchFolder scratch;
  const fs::path folder = scratch.path() / "\xff";
  for (const char* content : {"first", "second"}) {
    ASSERT_TRUE(CreateFolders(folder));
    ASSERT_TRUE(WriteFileAtomically(folder / "file", AsBytes(content)));
    EXPECT_EQ(ReadTextFile(Unquoted(QuotedPath(folder / "file")), 100).value_or("not found"),
              content);
    fs::rename(folder, scratch.path() / content);
  }
}

}  // namespace
}  // namespace spoor::store
