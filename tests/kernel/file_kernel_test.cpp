// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/kernel/recording.hpp"

namespace spoor::sensor {
namespace {

using ::testing::SizeIs;

/// A folder of the test's own, gone with it.
class Folder {
 public:
  Folder() {
    char name[] = "/tmp/spoor-file-XXXXXX";
    path_ = std::filesystem::canonical(mkdtemp(name)).string();
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(OpenRecords, ResolveRelativeAndLinkedPaths) {
  START_RECORDING(recording, TreeOptions());
  Folder folder;
  std::ofstream(folder / "real") << "x";
  ASSERT_EQ(symlink("real", (folder / "link").c_str()), 0);
  const pid_t pid = recording.Run([&](Facts& facts) {
    TRIGGER_CHECK(chdir(folder.path().c_str()) == 0);
    const std::string roundabout = ".." + folder.path().substr(4) + "/./link";
    const int fd = open(roundabout.c_str(), O_RDONLY);
    const int at = open(folder.path().c_str(), O_DIRECTORY | O_RDONLY);
    facts.number[0] = fd;
    facts.number[1] = at;
    TRIGGER_CHECK(fd >= 0 && at >= 0);
    facts.number[2] = openat(at, "link", O_RDWR | O_CREAT, 0640);
    struct stat status {};
    TRIGGER_CHECK(fstat(static_cast<int>(facts.number[2]), &status) == 0);
    facts.number[3] = static_cast<std::int64_t>(status.st_ino);
    facts.number[4] = static_cast<std::int64_t>(status.st_dev);
  });
  const auto opens = recording.Read(RECORD_OPEN, pid);
  ASSERT_THAT(opens, SizeIs(3));
  EXPECT_EQ(opens[0].Text(opens[0].As<open_record>().path), folder / "real");
  EXPECT_EQ(opens[0].As<open_record>().directory_fd, AT_FDCWD);
  const auto seen = opens[2].As<open_record>();
  EXPECT_EQ(seen.fd, recording.facts().number[2]);
  EXPECT_EQ(seen.directory_fd, recording.facts().number[1]);
  EXPECT_EQ(seen.header.result, seen.fd);
  EXPECT_EQ(opens[2].Text(seen.path), folder / "real");
  EXPECT_EQ(opens[2].Text(seen.user_path), "link");
  EXPECT_EQ(seen.open_flags, static_cast<unsigned>(O_RDWR | O_CREAT | OPEN_FOUND));
  EXPECT_EQ(seen.mode, 0640u);
  EXPECT_EQ(seen.object.inode, static_cast<std::uint64_t>(recording.facts().number[3]));
  const auto device = static_cast<dev_t>(recording.facts().number[4]);
  EXPECT_EQ(seen.object.device, major(device) << 20 | minor(device));
  EXPECT_EQ(opens[1].As<open_record>().object.type, OBJECT_DIRECTORY);
}

TEST(OpenRecords, TellWhatFailedAndFromWhere) {
  START_RECORDING(recording, TreeOptions());
  Folder folder;
  ASSERT_EQ(mkdir((folder / "sub").c_str(), 0755), 0);
  const pid_t pid = recording.Run([&](Facts&) {
    TRIGGER_CHECK(chdir((folder / "sub").c_str()) == 0);
    TRIGGER_CHECK(open("missing", O_RDONLY) == -1);
    const int at = open("..", O_DIRECTORY | O_RDONLY);
    TRIGGER_CHECK(openat(at, "also/missing", O_RDONLY) == -1);
    TRIGGER_CHECK(open("/nowhere", O_RDONLY) == -1);
  });
  const auto opens = recording.Read(RECORD_OPEN, pid);
  ASSERT_THAT(opens, SizeIs(4));
  const auto relative = opens[0].As<open_record>();
  EXPECT_EQ(relative.header.result, -ENOENT);
  EXPECT_EQ(opens[0].Text(relative.user_path), "missing");
  EXPECT_EQ(opens[0].Text(relative.base), folder / "sub");
  EXPECT_EQ(opens[2].Text(opens[2].As<open_record>().base), folder.path());
  EXPECT_EQ(opens[3].As<open_record>().base.status, TAIL_NONE);
  EXPECT_EQ(opens[3].Text(opens[3].As<open_record>().user_path), "/nowhere");
}

TEST(OpenRecords, TellPathsInsideChrootAndOtherMountNamespaces) {
  START_RECORDING(recording, TreeOptions());
  Folder folder;
  const pid_t pid = recording.Run([&](Facts&) {
    TRIGGER_CHECK(unshare(CLONE_NEWNS) == 0);
    TRIGGER_CHECK(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
    TRIGGER_CHECK(mount("none", folder.path().c_str(), "tmpfs", 0, nullptr) == 0);
    TRIGGER_CHECK(mkdir((folder / "inside").c_str(), 0755) == 0);
    TRIGGER_CHECK(open((folder / "inside/file").c_str(), O_CREAT | O_RDWR, 0600) >= 0);
    TRIGGER_CHECK(chroot(folder.path().c_str()) == 0);
    TRIGGER_CHECK(chdir("/inside") == 0);
    TRIGGER_CHECK(open("file", O_RDONLY) >= 0);
    TRIGGER_CHECK(open("/", O_RDONLY) >= 0);
  });
  const auto opens = recording.Read(RECORD_OPEN, pid);
  ASSERT_THAT(opens, SizeIs(3));
  EXPECT_EQ(opens[0].Text(opens[0].As<open_record>().path), folder / "inside/file");
  EXPECT_EQ(opens[1].Text(opens[1].As<open_record>().path), folder / "inside/file")
      << "and not as inside";
  EXPECT_EQ(opens[2].Text(opens[2].As<open_record>().path), folder.path());
  EXPECT_EQ(opens[0].As<open_record>().object.inode, opens[1].As<open_record>().object.inode);
  const auto paths = recording.Read(RECORD_PATH, pid);
  ASSERT_THAT(paths, SizeIs(5));  // two mounts, mkdir, chroot, chdir
  EXPECT_EQ(paths[3].Text(paths[3].As<path_record>().path), folder.path());
  EXPECT_EQ(paths[4].Text(paths[4].As<path_record>().path), folder / "inside");
  EXPECT_THAT(recording.Read(RECORD_CREDENTIAL, pid), SizeIs(1)) << "unshare";
}

TEST(OpenRecords, TellDeletedFilesAndMemoryFiles) {
  START_RECORDING(recording, TreeOptions());
  Folder folder;
  const pid_t pid = recording.Run([&](Facts&) {
    const int fd = open((folder / "gone").c_str(), O_CREAT | O_RDWR, 0600);
    TRIGGER_CHECK(fd >= 0 && unlink((folder / "gone").c_str()) == 0);
    TRIGGER_CHECK(open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDONLY) >= 0);
    TRIGGER_CHECK(memfd_create("payload", 0) >= 0);
  });
  const auto opens = recording.Read(RECORD_OPEN, pid);
  ASSERT_THAT(opens, SizeIs(3));
  const auto again = opens[1].As<open_record>();
  EXPECT_EQ(again.object.flags, OBJECT_FLAG_UNLINKED);
  EXPECT_EQ(opens[1].Text(again.path), folder / "gone");
  const auto memory = opens[2].As<open_record>();
  EXPECT_TRUE(memory.object.flags & OBJECT_FLAG_MEMFD);
  EXPECT_EQ(opens[2].Text(memory.path), "memfd:payload");
  EXPECT_EQ(opens[2].Text(memory.user_path), "payload");
}

TEST(OpenRecords, TellDeepPathsAsTruncatedAtTheRootEnd) {
  START_RECORDING(recording, TreeOptions());
  Folder folder;
  const pid_t pid = recording.Run([&](Facts&) {
    TRIGGER_CHECK(chdir(folder.path().c_str()) == 0);
    for (int i = 0; i < 60; i++) TRIGGER_CHECK(mkdir("deep", 0755) == 0 && chdir("deep") == 0);
    TRIGGER_CHECK(open("file", O_CREAT | O_RDWR, 0600) >= 0);
  });
  const auto opens = recording.Read(RECORD_OPEN, pid);
  ASSERT_THAT(opens, SizeIs(1));
  const auto seen = opens[0].As<open_record>();
  EXPECT_EQ(seen.path.status, TAIL_TRUNCATED);
  EXPECT_TRUE(opens[0].Text(seen.path).ends_with("/deep/deep/file"));
  EXPECT_EQ(opens[0].Text(seen.user_path), "file");
}

TEST(DescriptorRecords, TellDupCloseAndPairs) {
  START_RECORDING(recording, TreeOptions());
  const pid_t pid = recording.Run([](Facts& facts) {
    int ends[2], pair[2];
    TRIGGER_CHECK(pipe2(ends, O_CLOEXEC) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    facts.number[0] = ends[0];
    facts.number[1] = ends[1];
    facts.number[2] = dup3(ends[0], 100, O_CLOEXEC);
    facts.number[3] = fcntl(ends[1], F_DUPFD, 200);
    TRIGGER_CHECK(facts.number[2] == 100 && facts.number[3] == 200);
    struct stat status {};
    TRIGGER_CHECK(fstat(ends[0], &status) == 0);
    facts.number[4] = static_cast<std::int64_t>(status.st_ino);
    TRIGGER_CHECK(fcntl(ends[0], F_GETFD) == FD_CLOEXEC);
    TRIGGER_CHECK(close(100) == 0 && close(100) == -1);
    TRIGGER_CHECK(syscall(SYS_close_range, 200, 210, 0) == 0);
  });
  const auto& facts = recording.facts();
  const auto pairs = recording.Read(RECORD_PAIR, pid);
  ASSERT_THAT(pairs, SizeIs(2));
  const auto ends = pairs[0].As<pair_record>();
  EXPECT_EQ(ends.fd[0], facts.number[0]);
  EXPECT_EQ(ends.fd[1], facts.number[1]);
  EXPECT_EQ(ends.object[0].type, OBJECT_PIPE);
  EXPECT_EQ(ends.object[0].inode, static_cast<std::uint64_t>(facts.number[4]));
  EXPECT_EQ(ends.call_flags, static_cast<unsigned>(O_CLOEXEC));
  EXPECT_EQ(pairs[1].As<pair_record>().object[1].type, OBJECT_SOCKET);
  const auto dups = recording.Read(RECORD_DUP, pid);
  ASSERT_THAT(dups, SizeIs(2));
  const auto first = dups[0].As<descriptor_record>();
  EXPECT_EQ(first.fd, facts.number[0]);
  EXPECT_EQ(first.other_fd, 100);
  EXPECT_EQ(first.descriptor_flags, static_cast<unsigned>(O_CLOEXEC));
  EXPECT_EQ(first.object.inode, static_cast<std::uint64_t>(facts.number[4]));
  EXPECT_EQ(dups[1].As<descriptor_record>().other_fd, 200);
  std::vector<Record> closes;
  for (const Record& record : recording.Read(RECORD_CLOSE, pid))
    if (const int fd = record.As<descriptor_record>().fd; fd == 100 || fd == 200)
      closes.push_back(record);
  ASSERT_THAT(closes, SizeIs(3));
  EXPECT_EQ(closes[0].header().result, 0);
  EXPECT_EQ(closes[1].header().result, -EBADF);
  EXPECT_EQ(closes[2].As<descriptor_record>().other_fd, 210);
}

TEST(DescriptorRecords, TellDescriptorsReceivedInAMessage) {
  START_RECORDING(recording, TreeOptions());
  const pid_t pid = recording.Run([](Facts& facts) {
    int pair[2];
    TRIGGER_CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
    const int passed[2] = {open("/etc/passwd", O_RDONLY),
                           open("/etc/group", O_RDONLY | O_CREAT, 0644)};
    TRIGGER_CHECK(passed[0] >= 0 && passed[1] >= 0);
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(passed))] = {};
    char byte = 'x';
    struct iovec part {
      &byte, 1
    };
    struct msghdr message {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(passed));
    std::memcpy(CMSG_DATA(head), passed, sizeof(passed));
    TRIGGER_CHECK(sendmsg(pair[0], &message, 0) == 1);
    TRIGGER_CHECK(recvmsg(pair[1], &message, 0) == 1);
    int received[2];
    std::memcpy(received, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(received));
    facts.number[0] = received[0];
    facts.number[1] = received[1];
    TRIGGER_CHECK(received[1] > passed[1]);
  });
  std::vector<Record> received;
  for (const Record& record : recording.Read(RECORD_OPEN, pid))
    if (record.header().syscall_nr == SYS_recvmsg) received.push_back(record);
  ASSERT_THAT(received, SizeIs(2));
  EXPECT_EQ(received[0].As<open_record>().fd, recording.facts().number[0]);
  EXPECT_EQ(received[0].Text(received[0].As<open_record>().path), "/etc/passwd");
  EXPECT_EQ(received[1].As<open_record>().fd, recording.facts().number[1]);
  EXPECT_EQ(received[1].Text(received[1].As<open_record>().path), "/etc/group");
}

TEST(PathRecords, TellNamesThatChange) {
  START_RECORDING(recording, TreeOptions());
  Folder folder;
  std::ofstream(folder / "a") << "x";
  const pid_t pid = recording.Run([&](Facts& facts) {
    const int at = open(folder.path().c_str(), O_DIRECTORY | O_RDONLY);
    facts.number[0] = at;
    TRIGGER_CHECK(chdir(folder.path().c_str()) == 0);
    TRIGGER_CHECK(syscall(SYS_rename, "a", "/tmp/spoor-absent/b") == -1);
    TRIGGER_CHECK(renameat(at, "a", AT_FDCWD, "b") == 0);
    TRIGGER_CHECK(linkat(at, "b", at, "c", 0) == 0);
    TRIGGER_CHECK(symlink("/etc/shadow", "innocent") == 0);
    TRIGGER_CHECK(unlinkat(at, "c", 0) == 0);
    TRIGGER_CHECK(mkdirat(at, "d", 0711) == 0);
    TRIGGER_CHECK(unlinkat(at, "d", AT_REMOVEDIR) == 0);
    TRIGGER_CHECK(mknod("null", S_IFCHR | 0600, makedev(1, 3)) == 0);
  });
  const auto paths = recording.Read(RECORD_PATH, pid);
  ASSERT_THAT(paths, SizeIs(9));
  const auto refused = paths[1].As<path_record>();
  EXPECT_EQ(refused.header.result, -ENOENT);
  EXPECT_EQ(paths[1].Text(refused.base), folder.path());
  EXPECT_EQ(paths[1].Text(refused.user_path), "a");
  EXPECT_EQ(refused.other_base.status, TAIL_NONE);
  EXPECT_EQ(paths[1].Text(refused.other_user_path), "/tmp/spoor-absent/b");
  const auto renamed = paths[2].As<path_record>();
  EXPECT_EQ(paths[2].Text(renamed.base), folder.path());
  EXPECT_EQ(paths[2].Text(renamed.other_base), folder.path());
  EXPECT_EQ(paths[2].Text(renamed.other_user_path), "b");
  EXPECT_EQ(paths[3].header().syscall_nr, SYS_linkat);
  EXPECT_EQ(paths[3].Text(paths[3].As<path_record>().other_user_path), "c");
  const auto link = paths[4].As<path_record>();
  EXPECT_EQ(paths[4].Text(link.user_path), "/etc/shadow");
  EXPECT_EQ(paths[4].Text(link.other_user_path), "innocent");
  EXPECT_EQ(paths[4].Text(link.other_base), folder.path());
  EXPECT_EQ(paths[5].Text(paths[5].As<path_record>().user_path), "c");
  EXPECT_EQ(paths[6].As<path_record>().value, 0711u);
  EXPECT_EQ(paths[7].As<path_record>().call_flags, static_cast<unsigned>(AT_REMOVEDIR));
  EXPECT_EQ(paths[8].As<path_record>().value, makedev(1, 3));
}

TEST(PathRecords, TellOwnersModesAndLengths) {
  START_RECORDING(recording, TreeOptions());
  Folder folder;
  const pid_t pid = recording.Run([&](Facts& facts) {
    const int fd = open((folder / "f").c_str(), O_CREAT | O_RDWR, 0600);
    struct stat status {};
    TRIGGER_CHECK(fstat(fd, &status) == 0);
    facts.number[0] = fd;
    facts.number[1] = static_cast<std::int64_t>(status.st_ino);
    TRIGGER_CHECK(fchmod(fd, 04755) == 0);
    TRIGGER_CHECK(chown((folder / "f").c_str(), 7, 8) == 0);
    TRIGGER_CHECK(ftruncate(fd, 12345) == 0);
    TRIGGER_CHECK(truncate((folder / "f").c_str(), 1) == 0);
    TRIGGER_CHECK(chmod((folder / "f").c_str(), 0644) == 0);
  });
  const auto paths = recording.Read(RECORD_PATH, pid);
  ASSERT_THAT(paths, SizeIs(5));
  const auto mode = paths[0].As<path_record>();
  EXPECT_EQ(mode.fd, recording.facts().number[0]);
  EXPECT_EQ(mode.value, 04755u);
  EXPECT_EQ(mode.object.inode, static_cast<std::uint64_t>(recording.facts().number[1]));
  EXPECT_EQ(paths[0].Text(mode.path), folder / "f");
  const auto owner = paths[1].As<path_record>();
  EXPECT_EQ(owner.value, 7ull << 32 | 8);
  EXPECT_EQ(owner.fd, -1);
  EXPECT_EQ(paths[1].Text(owner.user_path), folder / "f");
  EXPECT_EQ(paths[2].As<path_record>().value, 12345u);
  EXPECT_EQ(paths[3].As<path_record>().value, 1u);
  EXPECT_EQ(paths[4].As<path_record>().value, 0644u);
}

}  // namespace
}  // namespace spoor::sensor
