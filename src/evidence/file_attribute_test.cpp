// SPDX-License-Identifier: Apache-2.0
#include "evidence/file_attribute.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "evidence/log_test_support.hpp"
#include "evidence/removal.hpp"

namespace spoor::evidence {
namespace {

namespace fs = std::filesystem;

/// Whether this file system, and who we are here, allow the attribute: tried without the code that
/// is tested. Empty when they do.
std::string WhyThereAreNoAttributes(const fs::path& file) {
  const FileDescriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  int flags = 0;
  if (::ioctl(descriptor.get(), FS_IOC_GETFLAGS, &flags) == 0) {
    int append_only = flags | FS_APPEND_FL;
    if (::ioctl(descriptor.get(), FS_IOC_SETFLAGS, &append_only) == 0 &&
        ::ioctl(descriptor.get(), FS_IOC_SETFLAGS, &flags) == 0) {
      return {};
    }
  }
  return fmt::format("{}: no append-only attribute here: {}", file.string(), ErrnoText(errno));
}

/// A store on a disk, whose files can be removed again at the end.
class FileAttributeTest : public testing::Test {
 protected:
  FileAttributeTest() : store_("/var/tmp") {}
  void SetUp() override {
    const fs::path probe = store_.root() / "probe";
    ASSERT_TRUE(WriteFileAtomically(probe, AsBytes("x")));
    if (const std::string why = WhyThereAreNoAttributes(probe); !why.empty()) GTEST_SKIP() << why;
    const auto set = SetAttribute(probe.parent_path(), probe, FileAttribute::kAppendOnly);
    ASSERT_TRUE(set) << set.error().message;
    ASSERT_TRUE(ClearAttributes(probe.parent_path(), probe));
  }
  ~FileAttributeTest() override {
    for (const auto& file : fs::recursive_directory_iterator(store_.root())) {
      if (file.is_regular_file())
        static_cast<void>(ClearAttributes(file.path().parent_path(), file.path()));
    }
  }
  /// Appends until there are `size`; closes only when asked.
  std::unique_ptr<LogWriter> Fill(std::uint64_t size) const {
    LogOptions options = store_.options();
    options.append_only_attribute = true;
    auto writer = LogWriter::Open(options);
    EXPECT_TRUE(writer) << writer.error().message;
    while ((*writer)->size() < size) EXPECT_TRUE((*writer)->Append(TestEntry((*writer)->size())));
    const auto done = (*writer)->Checkpoint();
    EXPECT_TRUE(done) << done.error().message;
    return std::move(*writer);
  }
  /// What the system says to each way of changing the file, as root.
  void ExpectProtected(const std::string& name) const {
    const fs::path path = store_.folder() / name;
    EXPECT_EQ(::unlink(path.c_str()), -1) << name;
    EXPECT_EQ(errno, EPERM) << name;
    EXPECT_EQ(::truncate(path.c_str(), 1), -1) << name;
    EXPECT_EQ(::open(path.c_str(), O_WRONLY), -1) << name;
    EXPECT_EQ(::rename(path.c_str(), (path.string() + "x").c_str()), -1) << name;
  }

  TestStore store_;
};

TEST_F(FileAttributeTest, GrowingFilesOnlyGrowAndCompleteOnesDoNotChange) {
  const auto writer = Fill(300);
  ExpectProtected("tile/entries/000");
  ExpectProtected("tile/0/000");
  ExpectProtected("tile/entries/001.partial");
  ExpectProtected("tile/0/001.partial");
  const int growing = ::open((store_.folder() / "tile/0/001.partial").c_str(), O_WRONLY | O_APPEND);
  EXPECT_GE(growing, 0) << "what grows can be added to";
  ::close(growing);
  EXPECT_EQ(::open((store_.folder() / "tile/0/000").c_str(), O_WRONLY | O_APPEND), -1);
}

TEST_F(FileAttributeTest, ALogGoesOnAfterAnOrderlyEndAndAfterAKill) {
  ASSERT_TRUE(Fill(300)->Close());
  ExpectProtected("tile/entries/001.p/44");
  ASSERT_TRUE(Fill(600)->Close());
  EXPECT_EQ(store_.ReadAll(), 600U);
  // As a kill leaves it: growing names, still append-only, and bytes behind the checkpoint.
  const pid_t child = ::fork();
  if (child == 0) {
    auto writer = Fill(700);
    for (std::uint64_t i = 700; i < 1100; ++i) static_cast<void>(writer->Append(TestEntry(i)));
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(store_.Verify());
  ASSERT_TRUE(Fill(900)->Close());
  EXPECT_EQ(store_.ReadAll(), 900U);
  ASSERT_TRUE(store_.Verify());
}

TEST_F(FileAttributeTest, RetentionMayRemoveWhatIsImmutable) {
  ASSERT_TRUE(Fill(600)->Close());
  const auto removed = RemoveBundles(store_.folder(), 512);
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_GT(*removed, 0U);
  EXPECT_FALSE(fs::exists(store_.folder() / "tile/entries/001"));
}

TEST(FileAttribute, IsRefusedWhereTheFileSystemHasNone) {
  const auto set = SetAttribute("/proc", "/proc/version", FileAttribute::kAppendOnly);
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code, ErrorCode::kUnavailable);
  EXPECT_TRUE(ClearAttributes("/proc", "/proc/version"));
}

}  // namespace
}  // namespace spoor::evidence
