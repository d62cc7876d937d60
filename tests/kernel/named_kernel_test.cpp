// SPDX-License-Identifier: Apache-2.0
// Calls that name a file by path: the record has the file that the kernel took, or none.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/kernel/recording.hpp"

namespace spoor::sensor {
namespace {

using ::testing::SizeIs;

class Named : public testing::Test {
 protected:
  Named() {
    char name[] = "/tmp/spoor-named-XXXXXX";
    path_ = std::filesystem::canonical(mkdtemp(name)).string();
  }
  ~Named() override { std::filesystem::remove_all(path_); }

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  void Make(const std::string& name) const {
    std::filesystem::create_directories(std::filesystem::path(*this / name).parent_path());
    std::ofstream(*this / name) << name;
  }
  struct stat Status(const std::string& name) const {
    struct stat status {};
    EXPECT_EQ(lstat((*this / name).c_str(), &status), 0) << name;
    return status;
  }
  /// Kernels that need portable reads are not asked where paths lead: no object, and no guess.
  static bool LooksUp() { return std::getenv("SPOOR_PORTABLE_READS") == nullptr; }

  static void ExpectIs(const Record& record, const struct stat& status) {
    const object_ref object = record.As<path_record>().object;
    if (!LooksUp()) {
      EXPECT_EQ(object.type, OBJECT_NONE);
      return;
    }
    EXPECT_EQ(object.inode, status.st_ino) << "call " << record.header().syscall_nr;
    EXPECT_EQ(object.device, major(status.st_dev) << 20 | minor(status.st_dev));
  }
  static void ExpectPath(const Record& record, const std::string& path) {
    EXPECT_TRUE(record.header().flags & RECORD_FLAG_NAMED);
    EXPECT_EQ(record.Text(record.As<path_record>().path), LooksUp() ? path : "");
  }
  static void ExpectOtherPath(const Record& record, const std::string& path) {
    EXPECT_EQ(record.Text(record.As<named_path_record>().other_path), LooksUp() ? path : "");
  }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST_F(Named, GoUpFromWhereALinkLeadsAndNotFromTheLink) {
  START_RECORDING(recording, TreeOptions());
  Make("real/deep/file");
  Make("real/secret");
  Make("secret");
  std::filesystem::create_symlink(*this / "real/deep", *this / "link");
  const struct stat secret = Status("real/secret");
  const pid_t pid = recording.Run([&](Facts&) {
    TRIGGER_CHECK(chmod((*this / "link/../secret").c_str(), 0711) == 0);
    TRIGGER_CHECK(chdir((*this / "link").c_str()) == 0);
    TRIGGER_CHECK(unlink("./../secret") == 0);
  });
  const auto paths = recording.Read(RECORD_PATH, pid);
  ASSERT_THAT(paths, SizeIs(3));
  ExpectIs(paths[0], secret);
  ExpectPath(paths[0], *this / "real/secret");
  ExpectIs(paths[2], secret);
  ExpectPath(paths[2], *this / "real/secret");
}

TEST_F(Named, TellTheFilesInsideOfAChroot) {
  START_RECORDING(recording, TreeOptions());
  for (const char* name : {"keep", "job", "jail/keep", "jail/job"}) Make(name);
  const struct stat keep = Status("jail/keep"), job = Status("jail/job");
  const pid_t pid = recording.Run([&](Facts&) {
    TRIGGER_CHECK(chroot((*this / "jail").c_str()) == 0 && chdir("/") == 0);
    TRIGGER_CHECK(unlink("/keep") == 0);
    TRIGGER_CHECK(chmod("/../job", 0600) == 0);
    TRIGGER_CHECK(rename("job", "moved") == 0);
    TRIGGER_CHECK(mkdir("/made", 0700) == 0);
  });
  const auto paths = recording.Read(RECORD_PATH, pid);
  ASSERT_THAT(paths, SizeIs(6));
  ExpectIs(paths[2], keep);
  ExpectPath(paths[2], *this / "jail/keep");
  ExpectIs(paths[3], job);
  ExpectPath(paths[3], *this / "jail/job");
  ExpectIs(paths[4], job);
  ExpectPath(paths[4], *this / "jail/job");
  ExpectOtherPath(paths[4], *this / "jail/moved");
  ExpectIs(paths[5], Status("jail/made"));
}

TEST_F(Named, TellWhatARenameReplaced) {
  START_RECORDING(recording, TreeOptions());
  for (const char* name :
       {"lower/old", "upper/new", "work/none", "merged/none", "plain/a", "plain/b"})
    Make(name);
  const struct stat lower = Status("lower/old"), plain = Status("plain/b");
  const pid_t pid = recording.Run([&](Facts&) {
    TRIGGER_CHECK(unshare(CLONE_NEWNS) == 0);
    TRIGGER_CHECK(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
    TRIGGER_CHECK(mount("none", (*this / "work").c_str(), "tmpfs", 0, nullptr) == 0);
    for (const char* name : {"work/upper", "work/work"})
      TRIGGER_CHECK(mkdir((*this / name).c_str(), 0700) == 0);
    const std::string layers = "lowerdir=" + *this / "lower" + ",upperdir=" + *this / "work/upper" +
                               ",workdir=" + *this / "work/work";
    TRIGGER_CHECK(mount("overlay", (*this / "merged").c_str(), "overlay", 0, layers.c_str()) == 0);
    TRIGGER_CHECK(close(open((*this / "merged/new").c_str(), O_CREAT | O_WRONLY, 0600)) == 0);
    TRIGGER_CHECK(access((*this / "merged/old").c_str(), F_OK) == 0);  // as mv and sed do
    TRIGGER_CHECK(rename((*this / "merged/new").c_str(), (*this / "merged/old").c_str()) == 0);
    TRIGGER_CHECK(rename((*this / "plain/a").c_str(), (*this / "plain/b").c_str()) == 0);
    TRIGGER_CHECK(access((*this / "plain/c").c_str(), F_OK) != 0);
    TRIGGER_CHECK(renameat(AT_FDCWD, (*this / "plain/b").c_str(), AT_FDCWD,
                           (*this / "plain/c").c_str()) == 0);
    TRIGGER_CHECK(umount((*this / "merged").c_str()) == 0);
  });
  std::vector<Record> renames;
  for (const Record& record : recording.Read(RECORD_PATH, pid)) {
    const auto nr = record.header().syscall_nr;
    if (nr == SYS_rename || nr == SYS_renameat) renames.push_back(record);
  }
  ASSERT_THAT(renames, SizeIs(3));
  for (const Record& record : renames) {
    EXPECT_EQ((record.header().flags & RECORD_FLAG_REPLACES) != 0, LooksUp());
  }
  if (!LooksUp()) return;
  const auto replaced = [&](std::size_t i) {
    return renames[i].As<replacing_path_record>().replaced;
  };
  EXPECT_EQ(replaced(0).inode, lower.st_ino) << "the file of the lower layer";
  EXPECT_EQ(replaced(1).inode, plain.st_ino);
  EXPECT_EQ(replaced(2).type, OBJECT_NONE) << "nothing was called so";
}

TEST_F(Named, TellTheFilesOfAnotherMountNamespace) {
  START_RECORDING(recording, TreeOptions());
  Make("place/file");
  const pid_t pid = recording.Run([&](Facts& facts) {
    TRIGGER_CHECK(unshare(CLONE_NEWNS) == 0);
    TRIGGER_CHECK(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
    for (int i = 0; i < 2; i++)  // one upon the other
      TRIGGER_CHECK(mount("none", (*this / "place").c_str(), "tmpfs", 0, nullptr) == 0);
    TRIGGER_CHECK(close(open((*this / "place/file").c_str(), O_CREAT | O_WRONLY, 0600)) == 0);
    struct stat status {};
    TRIGGER_CHECK(stat((*this / "place/file").c_str(), &status) == 0);
    facts.number[0] = static_cast<std::int64_t>(status.st_ino);
    facts.number[1] = static_cast<std::int64_t>(status.st_dev);
    TRIGGER_CHECK(truncate((*this / "place/file").c_str(), 1) == 0);
    TRIGGER_CHECK(unlink((*this / "place/../place//file").c_str()) == 0);
    TRIGGER_CHECK(umount((*this / "place").c_str()) == 0);
  });
  struct stat inside {};
  inside.st_ino = static_cast<ino_t>(recording.facts().number[0]);
  inside.st_dev = static_cast<dev_t>(recording.facts().number[1]);
  const auto paths = recording.Read(RECORD_PATH, pid);
  ASSERT_THAT(paths, SizeIs(6));
  for (const std::size_t i : {1U, 2U, 5U}) ExpectPath(paths[i], *this / "place");
  EXPECT_EQ(paths[1].header().syscall_nr, SYS_mount);
  EXPECT_EQ(paths[1].Text(paths[1].As<path_record>().other_user_path), "none");
  for (const std::size_t i : {3U, 4U}) {
    ExpectIs(paths[i], inside);
    ExpectPath(paths[i], *this / "place/file");
  }
}

TEST_F(Named, FollowTheLastLinkWhereTheCallDoes) {
  START_RECORDING(recording, TreeOptions());
  Make("file");
  std::filesystem::create_symlink("file", *this / "link");
  const struct stat link = Status("link");
  const pid_t pid = recording.Run([&](Facts&) {
    const std::string name = *this / "link";
    TRIGGER_CHECK(chown(name.c_str(), 1, 1) == 0);
    TRIGGER_CHECK(lchown(name.c_str(), 1, 1) == 0);
    TRIGGER_CHECK(fchownat(AT_FDCWD, name.c_str(), 2, 2, AT_SYMLINK_NOFOLLOW) == 0);
    TRIGGER_CHECK(linkat(AT_FDCWD, name.c_str(), AT_FDCWD, (*this / "a").c_str(), 0) == 0);
    TRIGGER_CHECK(
        linkat(AT_FDCWD, name.c_str(), AT_FDCWD, (*this / "b").c_str(), AT_SYMLINK_FOLLOW) == 0);
    TRIGGER_CHECK(unlink(name.c_str()) == 0);
  });
  const auto paths = recording.Read(RECORD_PATH, pid);
  ASSERT_THAT(paths, SizeIs(6));
  const struct stat file = Status("file");
  ExpectIs(paths[0], file);
  ExpectPath(paths[0], *this / "file");
  for (const std::size_t i : {1U, 2U, 3U, 5U}) {
    ExpectIs(paths[i], link);
    ExpectPath(paths[i], *this / "link");
  }
  ExpectOtherPath(paths[3], *this / "a");
  ExpectIs(paths[4], file);
  ExpectPath(paths[4], *this / "file");
  ExpectOtherPath(paths[4], *this / "b");
}

TEST_F(Named, TellAFileThatGetsItsFirstNameByDescriptor) {
  START_RECORDING(recording, TreeOptions());
  const pid_t pid = recording.Run([&](Facts& facts) {
    const int fd = open(path().c_str(), O_TMPFILE | O_RDWR, 0600);
    if (fd < 0) return;  // not every file system can
    facts.number[0] = 1;
    const std::string by_proc = "/proc/self/fd/" + std::to_string(fd);
    TRIGGER_CHECK(linkat(AT_FDCWD, by_proc.c_str(), AT_FDCWD, (*this / "one").c_str(),
                         AT_SYMLINK_FOLLOW) == 0);
    TRIGGER_CHECK(linkat(fd, "", AT_FDCWD, (*this / "two").c_str(), AT_EMPTY_PATH) == 0);
    TRIGGER_CHECK(fchownat(fd, "", 3, 3, AT_EMPTY_PATH) == 0);
  });
  const auto paths = recording.Read(RECORD_PATH, pid);
  if (recording.facts().number[0] == 0) GTEST_SKIP() << path() << " has no O_TMPFILE";
  ASSERT_THAT(paths, SizeIs(3));
  for (const std::size_t i : {0U, 1U}) {
    ExpectIs(paths[i], Status("one"));
    ExpectPath(paths[i], "");
    ExpectOtherPath(paths[i], *this / (i == 0 ? "one" : "two"));
  }
  ExpectIs(paths[2], Status("one"));
}

TEST_F(Named, TellWhatARefusedCallMeant) {
  START_RECORDING(recording, TreeOptions());
  Make("folder/file");
  const pid_t pid = recording.Run([&](Facts&) {
    TRIGGER_CHECK(rmdir((*this / "folder").c_str()) == -1 && errno == ENOTEMPTY);
    TRIGGER_CHECK(unlink((*this / "folder/absent").c_str()) == -1);
    TRIGGER_CHECK(unlink((*this / "absent/file").c_str()) == -1);
  });
  const auto paths = recording.Read(RECORD_PATH, pid);
  ASSERT_THAT(paths, SizeIs(3));
  ExpectIs(paths[0], Status("folder"));
  EXPECT_EQ(paths[1].As<path_record>().object.type, OBJECT_NONE);
  ExpectPath(paths[1], *this / "folder/absent");
  EXPECT_EQ(paths[2].As<path_record>().object.type, OBJECT_NONE);
  ExpectPath(paths[2], "");
}

TEST_F(Named, NameTheFileThatIsStillCalledSoAfterARenameOverIt) {
  START_RECORDING(recording, TreeOptions());
  Make("new");
  Make("old");
  const struct stat moved = Status("new");
  const pid_t pid = recording.Run([&](Facts&) {
    TRIGGER_CHECK(link((*this / "new").c_str(), (*this / "second").c_str()) == 0);
    TRIGGER_CHECK(rename((*this / "new").c_str(), (*this / "old").c_str()) == 0);
    // Both are names of one file: rename does nothing, and takes neither away.
    TRIGGER_CHECK(rename((*this / "second").c_str(), (*this / "old").c_str()) == 0);
    TRIGGER_CHECK(access((*this / "second").c_str(), F_OK) == 0);
  });
  const auto paths = recording.Read(RECORD_PATH, pid);
  ASSERT_THAT(paths, SizeIs(3));
  for (const Record& record : paths) ExpectIs(record, moved);
  ExpectPath(paths[1], *this / "new");
  ExpectOtherPath(paths[1], *this / "old");
}

TEST_F(Named, TellNamesAsLongAsTheyCanBeAndManyNeighbours) {
  START_RECORDING(recording, TreeOptions());
  const std::string longest(255, 'n');
  for (int i = 0; i < 600; i++) Make("f" + std::to_string(i));
  Make(longest);
  const struct stat first = Status("f0"), last = Status(longest);
  const pid_t pid = recording.Run([&](Facts&) {
    TRIGGER_CHECK(chmod((*this / "f0").c_str(), 0600) == 0);
    TRIGGER_CHECK(unlink((*this / longest).c_str()) == 0);
  });
  const auto paths = recording.Read(RECORD_PATH, pid);
  ASSERT_THAT(paths, SizeIs(2));
  ExpectIs(paths[0], first);
  ExpectIs(paths[1], last);
  ExpectPath(paths[1], *this / longest);
}

TEST_F(Named, TellTheLayerThatHoldsAFileOfAnOverlay) {
  START_RECORDING(recording, TreeOptions());
  for (const char* name : {"low", "up", "work", "merged"})
    std::filesystem::create_directories(*this / name);
  Make("low/below");
  const struct stat below = Status("low/below");
  const pid_t pid = recording.Run([&](Facts& facts) {
    TRIGGER_CHECK(unshare(CLONE_NEWNS) == 0);
    TRIGGER_CHECK(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
    const std::string options = "lowerdir=" + (*this / "low") + ",upperdir=" + (*this / "up") +
                                ",workdir=" + (*this / "work");
    facts.number[0] =
        mount("overlay", (*this / "merged").c_str(), "overlay", 0, options.c_str()) == 0;
    if (facts.number[0] == 0) return;
    TRIGGER_CHECK(close(open((*this / "merged/below").c_str(), O_RDONLY)) == 0);
    TRIGGER_CHECK(close(open((*this / "merged/above").c_str(), O_CREAT | O_WRONLY, 0600)) == 0);
  });
  if (recording.facts().number[0] == 0) GTEST_SKIP() << "no overlay can be mounted";
  const auto opens = recording.Read(RECORD_OPEN, pid);
  ASSERT_THAT(opens, SizeIs(2));
  EXPECT_EQ(opens[0].As<open_record>().object.inode, below.st_ino);
  EXPECT_EQ(opens[0].Text(opens[0].As<open_record>().path), *this / "merged/below");
  EXPECT_EQ(opens[1].As<open_record>().object.inode, Status("up/above").st_ino);
  const std::uint32_t device = major(below.st_dev) << 20 | minor(below.st_dev);
  EXPECT_EQ(opens[0].As<open_record>().object.device, device);
  EXPECT_EQ(opens[1].As<open_record>().object.device, device);
}

TEST_F(Named, TellTimesAndAttributesThatAreSet) {
  START_RECORDING(recording, TreeOptions());
  Make("file");
  const pid_t pid = recording.Run([&](Facts& facts) {
    const std::string name = *this / "file";
    const struct timespec old[2] = {{978307200, 0}, {978307201, 5}};
    TRIGGER_CHECK(utimensat(AT_FDCWD, name.c_str(), old, 0) == 0);
    TRIGGER_CHECK(utimensat(AT_FDCWD, name.c_str(), nullptr, 0) == 0);
    const int fd = open(name.c_str(), O_RDWR);
    TRIGGER_CHECK(futimens(fd, old) == 0);
    facts.number[0] = setxattr(name.c_str(), "trusted.note", "stash", 5, 0) == 0;
    facts.number[1] = fremovexattr(fd, "trusted.note") == 0;
  });
  const auto paths = recording.Read(RECORD_PATH, pid);
  ASSERT_THAT(paths, SizeIs(5));
  const struct stat file = Status("file");
  for (const std::size_t i : {0U, 1U, 3U}) ExpectIs(paths[i], file);
  for (const std::size_t i : {2U, 4U})
    EXPECT_EQ(paths[i].As<path_record>().object.inode, file.st_ino) << "by descriptor";
  EXPECT_EQ(paths[0].As<path_record>().value, 978307201U);
  EXPECT_EQ(paths[1].As<path_record>().value, 0U);
  EXPECT_EQ(paths[2].As<path_record>().value, 978307201U);
  for (const std::size_t i : {3U, 4U})
    EXPECT_EQ(paths[i].Text(paths[i].As<path_record>().other_user_path), "trusted.note");
  EXPECT_EQ(paths[3].As<path_record>().value, 5U);
}

TEST_F(Named, TellWhatAThreadCallsItself) {
  START_RECORDING(recording, TreeOptions());
  const pid_t pid =
      recording.Run([](Facts&) { TRIGGER_CHECK(prctl(PR_SET_NAME, "[kworker/0:1]") == 0); });
  const auto names = recording.Read(RECORD_NAME, pid);
  ASSERT_THAT(names, SizeIs(1));
  EXPECT_STREQ(reinterpret_cast<const char*>(names[0].As<name_record>().command), "[kworker/0:1]");
}

}  // namespace
}  // namespace spoor::sensor
