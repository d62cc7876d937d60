// SPDX-License-Identifier: Apache-2.0
#include "base/inside.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/scratch_folder.hpp"

namespace spoor {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Inside : public testing::Test {
 protected:
  Inside() {
    fs::create_directories(root_ / "a/b");
    fs::create_directories(outside_);
    EXPECT_TRUE(WriteFileAtomically(root_ / "a/b/file", AsBytes("text")));
    EXPECT_TRUE(WriteFileAtomically(outside_ / "file", AsBytes("precious")));
  }
  unsigned ModeOf(const fs::path& path) const {
    struct stat status {};
    EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
    return status.st_mode & 07777U;
  }
  std::string Refusal(const fs::path& path) const {
    const auto read = ReadFileInside(root_, path, 100);
    if (read) return "was read";
    EXPECT_EQ(read.error().code, ErrorCode::kCorrupt) << read.error().message;
    return read.error().message;
  }

  ScratchFolder scratch_;
  const fs::path root_ = scratch_.path() / "store";
  const fs::path outside_ = scratch_.path() / "outside";
};

TEST_F(Inside, ReadsWhatIsThereAlsoWhereTheRootIsReachedOverALink) {
  fs::create_directory_symlink(root_, scratch_.path() / "link");
  for (const fs::path& root : {root_, scratch_.path() / "link", root_ / ""}) {
    const auto text = ReadTextFileInside(root, root / "a/b/file", 100);
    ASSERT_TRUE(text) << text.error().message;
    EXPECT_EQ(*text, "text");
  }
  EXPECT_EQ(ReadFileInside(root_, root_ / "a/none", 100).error().code, ErrorCode::kNotFound);
  EXPECT_THAT(ReadFileInside(root_, root_ / "a/b/file", 3).error().message, HasSubstr("larger"));
}

TEST_F(Inside, FollowsNoLinkBelowTheRoot) {
  fs::create_symlink(outside_ / "file", root_ / "file");
  fs::create_directory_symlink(outside_, root_ / "folder");
  fs::create_directory_symlink("a", root_ / "within");
  EXPECT_THAT(Refusal(root_ / "file"), HasSubstr("link"));
  EXPECT_THAT(Refusal(root_ / "folder/file"), HasSubstr("link"));
  EXPECT_THAT(Refusal(root_ / "within/b/file"), HasSubstr("link"));
  EXPECT_FALSE(CreateFoldersInside(root_, root_ / "folder/made"));
  EXPECT_FALSE(WriteFileAtomicallyInside(root_, root_ / "folder/made", AsBytes("x")));
  EXPECT_FALSE(OpenInside(root_, root_ / "folder/made", O_WRONLY | O_CREAT));
  EXPECT_FALSE(OpenInside(root_, root_ / "file", O_WRONLY | O_CREAT));
  EXPECT_FALSE(RenameInside(root_, root_ / "a/b/file", root_ / "folder/made"));
  EXPECT_FALSE(RemoveInside(root_, root_ / "folder/file"));
  EXPECT_FALSE(ListInside(root_, root_ / "folder", 10));
  EXPECT_FALSE(fs::exists(outside_ / "made"));
  EXPECT_EQ(*ReadTextFile(outside_ / "file", 100), "precious");
}

TEST_F(Inside, LeadsNowhereOut) {
  EXPECT_THAT(Refusal(root_ / "../outside/file"), HasSubstr("not below"));
  EXPECT_THAT(Refusal(root_ / "a/../../outside/file"), HasSubstr("not below"));
  EXPECT_THAT(Refusal(outside_ / "file"), HasSubstr("not below"));
  EXPECT_THAT(Refusal(root_ / "/etc/passwd"), HasSubstr("not below"));
}

TEST_F(Inside, OpensRegularFilesOnlyAndWaitsForNothing) {
  ASSERT_EQ(::mkfifo((root_ / "fifo").c_str(), 0600), 0);
  EXPECT_THAT(Refusal(root_ / "fifo"), HasSubstr("is a FIFO, not a regular file"));
  EXPECT_THAT(Refusal(root_ / "a"), HasSubstr("is a folder, not a regular file"));
  EXPECT_FALSE(OpenInside(root_, root_ / "fifo", O_WRONLY));
  EXPECT_FALSE(OpenInside(root_, root_ / "a/b/file", O_RDONLY | O_DIRECTORY));
}

TEST_F(Inside, MakesFilesAndFoldersForTheOwnerAloneWhateverTheUmask) {
  const mode_t before = ::umask(0);
  EXPECT_TRUE(CreateFoldersInside(root_, root_ / "x/y"));
  EXPECT_TRUE(WriteFileAtomicallyInside(root_, root_ / "x/y/file", AsBytes("1")));
  EXPECT_TRUE(OpenInside(root_, root_ / "x/lock", O_RDWR | O_CREAT));
  ::umask(before);
  EXPECT_EQ(ModeOf(root_ / "x"), 0700U);
  EXPECT_EQ(ModeOf(root_ / "x/y"), 0700U);
  EXPECT_EQ(ModeOf(root_ / "x/y/file"), 0600U);
  EXPECT_EQ(ModeOf(root_ / "x/lock"), 0600U);
}

TEST_F(Inside, SharesWithTheGroupOfAFolderWithTheSetgidBitButForKeys) {
  ASSERT_EQ(::chmod(root_.c_str(), 02750), 0);
  const mode_t before = ::umask(077);
  EXPECT_TRUE(CreateFoldersInside(root_, root_ / "x/y"));
  EXPECT_TRUE(WriteFileAtomicallyInside(root_, root_ / "x/y/file", AsBytes("1")));
  EXPECT_TRUE(WriteFileAtomicallyInside(root_, root_ / "x/key", AsBytes("1"), Readers::kOwner));
  ::umask(before);
  EXPECT_EQ(ModeOf(root_ / "x/y"), 02750U);
  EXPECT_EQ(ModeOf(root_ / "x/y/file"), 0640U);
  EXPECT_EQ(ModeOf(root_ / "x/key"), 0600U);
}

TEST_F(Inside, ReplacesALinkInsteadOfWritingThroughIt) {
  fs::create_symlink(outside_ / "file", root_ / "file");
  fs::create_symlink(outside_ / "file", root_ / "file.tmp");
  ASSERT_TRUE(WriteFileAtomicallyInside(root_, root_ / "file", AsBytes("mine")));
  EXPECT_EQ(*ReadTextFileInside(root_, root_ / "file", 100), "mine");
  EXPECT_EQ(*ReadTextFile(outside_ / "file", 100), "precious");
  ASSERT_TRUE(WriteFileAtomically(root_ / "file", AsBytes("again")));
  EXPECT_EQ(*ReadTextFile(outside_ / "file", 100), "precious");
}

TEST_F(Inside, LeavesNoTemporaryFileWhereItCannotWrite) {
  fs::create_directories(root_ / "taken/by");
  EXPECT_FALSE(WriteFileAtomicallyInside(root_, root_ / "taken", AsBytes("x")));
  EXPECT_EQ(ListInside(root_, root_, 10)->size(), 2U);  // a and taken
  EXPECT_EQ(ListInside(root_, root_, 1).error().code, ErrorCode::kCorrupt);
}

TEST(TemporaryName, IsToldFromOthers) {
  const std::string made = TemporaryPathFor("folder/checkpoint").filename().string();
  EXPECT_TRUE(IsTemporaryName(made, "checkpoint")) << made;
  EXPECT_NE(TemporaryPathFor("x"), TemporaryPathFor("x"));
  EXPECT_FALSE(IsTemporaryName("checkpoint.tmp", "checkpoint"));
  EXPECT_FALSE(IsTemporaryName("checkpoint.0123456789abcdeX.tmp", "checkpoint"));
  EXPECT_FALSE(IsTemporaryName(made, "other"));
}

}  // namespace
}  // namespace spoor
