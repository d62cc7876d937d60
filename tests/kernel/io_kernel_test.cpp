// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/fs.h>
#include <mqueue.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/kernel/recording.hpp"

namespace spoor::sensor {
namespace {

using ::testing::SizeIs;

KernelSourceOptions PayloadOptions() {
  KernelSourceOptions options = TreeOptions();
  options.payload_bytes_max = 16;
  options.payload_bytes_per_second = 1 << 20;
  options.terminal_payload_bytes_max = 4096;
  return options;
}

std::vector<Record> OnDescriptor(const std::vector<Record>& records, std::int64_t fd) {
  std::vector<Record> found;
  for (const Record& record : records)
    if (record.As<io_record>().fd == fd) found.push_back(record);
  return found;
}

TEST(IoRecords, TellOffsetAndPayloadOfFiles) {
  START_RECORDING(recording, PayloadOptions());
  const pid_t pid = recording.Run([](Facts& facts) {
    char name[] = "/tmp/spoor-io-XXXXXX";
    const int fd = mkstemp(name);
    TRIGGER_CHECK(fd >= 0 && unlink(name) == 0);
    TRIGGER_CHECK(write(fd, "0123456789", 10) == 10);
    TRIGGER_CHECK(write(fd, "abcdefghijklmnopqrstuvwxyz", 26) == 26);
    TRIGGER_CHECK(pwrite(fd, "XY", 2, 100) == 2);
    struct iovec parts[2] = {{const_cast<char*>("vec"), 3}, {const_cast<char*>("tor"), 3}};
    TRIGGER_CHECK(writev(fd, parts, 2) == 6);
    char back[8];
    TRIGGER_CHECK(pread(fd, back, 4, 3) == 4);
    TRIGGER_CHECK(syscall(SYS_write, fd, 8, 1) == -1);
    struct stat status {};
    TRIGGER_CHECK(fstat(fd, &status) == 0);
    facts.number[0] = fd;
    facts.number[1] = static_cast<std::int64_t>(status.st_ino);
    facts.number[2] = static_cast<std::int64_t>(status.st_dev);
  });
  const auto io = OnDescriptor(recording.Read(RECORD_IO, pid), recording.facts().number[0]);
  ASSERT_THAT(io, SizeIs(6));
  const auto first = io[0].As<io_record>();
  EXPECT_EQ(first.header.result, 10);
  EXPECT_EQ(first.offset_bytes, 0);
  EXPECT_EQ(first.direction, IO_OUT);
  EXPECT_EQ(first.object.inode, static_cast<std::uint64_t>(recording.facts().number[1]));
  const auto device = static_cast<dev_t>(recording.facts().number[2]);
  EXPECT_EQ(first.object.device, major(device) << 20 | minor(device));
  EXPECT_EQ(first.object.type, OBJECT_FILE);
  EXPECT_EQ(first.object.flags, OBJECT_FLAG_UNLINKED);
  EXPECT_EQ(io[0].Text(first.payload), "0123456789");
  EXPECT_EQ(first.payload.status, TAIL_WHOLE);
  const auto second = io[1].As<io_record>();
  EXPECT_EQ(second.offset_bytes, 10);
  EXPECT_EQ(io[1].Text(second.payload), "abcdefghijklmnop");
  EXPECT_EQ(second.payload.status, TAIL_TRUNCATED);
  const auto at = io[2].As<io_record>();
  EXPECT_EQ(at.offset_bytes, 100);
  EXPECT_EQ(io[2].Text(at.payload), "XY");
  const auto vector = io[3].As<io_record>();
  EXPECT_EQ(vector.offset_bytes, 36);
  EXPECT_EQ(vector.header.result, 6);
  EXPECT_EQ(io[3].Text(vector.payload), "vector");
  const auto read_back = io[4].As<io_record>();
  EXPECT_EQ(read_back.direction, IO_IN);
  EXPECT_EQ(read_back.offset_bytes, 3);
  EXPECT_EQ(read_back.payload.status, TAIL_NONE) << "what is read from a file is in the file";
  EXPECT_EQ(io[5].As<io_record>().header.result, -EFAULT);
}

TEST(IoRecords, TellBothEndsOfAPtyWithEchoOff) {
  START_RECORDING(recording, PayloadOptions());
  const pid_t pid = recording.Run([](Facts& facts) {
    int master = -1, slave = -1;
    struct winsize size {
      .ws_row = 33, .ws_col = 77, .ws_xpixel = 0, .ws_ypixel = 0
    };
    TRIGGER_CHECK(openpty(&master, &slave, nullptr, nullptr, nullptr) == 0);
    TRIGGER_CHECK(ioctl(master, TIOCSWINSZ, &size) == 0);
    struct termios modes {};
    TRIGGER_CHECK(tcgetattr(slave, &modes) == 0);
    modes.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    TRIGGER_CHECK(tcsetattr(slave, TCSANOW, &modes) == 0);
    TRIGGER_CHECK(write(master, "secret\n", 7) == 7);
    char line[16];
    TRIGGER_CHECK(read(slave, line, sizeof(line)) == 7);
    struct stat status {};
    TRIGGER_CHECK(fstat(slave, &status) == 0);
    int index = -1;
    TRIGGER_CHECK(ioctl(master, TIOCGPTN, &index) == 0);
    facts.number[0] = master;
    facts.number[1] = slave;
    facts.number[2] = static_cast<std::int64_t>(status.st_ino);
    facts.number[3] = index;
  });
  const auto& facts = recording.facts();
  const auto all = recording.Read(RECORD_IO, pid);
  for (const int end : {0, 1}) {
    const auto io = OnDescriptor(all, facts.number[end]);
    ASSERT_THAT(io, SizeIs(1));
    const auto seen = io[0].As<io_record>();
    EXPECT_EQ(seen.object.type, OBJECT_PTY);
    EXPECT_EQ(seen.object.inode, static_cast<std::uint64_t>(facts.number[2]));
    EXPECT_EQ(seen.object.device_of_node, facts.number[3]);
    EXPECT_EQ(seen.object.flags, end == 0 ? OBJECT_FLAG_PTY_MASTER : 0);
    EXPECT_EQ(seen.terminal.rows, 33);
    EXPECT_EQ(seen.terminal.columns, 77);
    EXPECT_EQ(seen.terminal.flags, TERMINAL_KNOWN | TERMINAL_CANONICAL);
    EXPECT_EQ(io[0].Text(seen.payload), "secret\n");
    EXPECT_EQ(seen.offset_bytes, -1);
  }
  const auto changes = recording.Read(RECORD_TERMINAL, pid);
  ASSERT_THAT(changes, SizeIs(2));
  const auto resized = changes[0].As<terminal_record>();
  EXPECT_EQ(resized.request, static_cast<unsigned>(TIOCSWINSZ));
  EXPECT_EQ(resized.terminal.rows, 33);
  EXPECT_EQ(resized.terminal.flags, TERMINAL_KNOWN | TERMINAL_CANONICAL | TERMINAL_ECHO);
  EXPECT_EQ(changes[1].As<terminal_record>().terminal.flags, TERMINAL_KNOWN | TERMINAL_CANONICAL);
}

TEST(IoRecords, SayWhichTtyDevTtyIs) {
  START_RECORDING(recording, PayloadOptions());
  const pid_t pid = recording.Run([](Facts& facts) {
    int master = -1, slave = -1;
    TRIGGER_CHECK(openpty(&master, &slave, nullptr, nullptr, nullptr) == 0);
    TRIGGER_CHECK(setsid() > 0 && ioctl(slave, TIOCSCTTY, 0) == 0);
    struct stat status {};
    TRIGGER_CHECK(fstat(slave, &status) == 0);
    facts.number[1] = static_cast<std::int64_t>(status.st_ino);
    const int fd = open("/dev/tty", O_RDWR | O_NOCTTY);
    TRIGGER_CHECK(fd >= 0 && write(fd, "x", 1) == 1);
    facts.number[0] = fd;
  });
  const auto io = OnDescriptor(recording.Read(RECORD_IO, pid), recording.facts().number[0]);
  ASSERT_THAT(io, SizeIs(1));
  EXPECT_EQ(io[0].As<io_record>().object.type, OBJECT_PTY);
  EXPECT_EQ(io[0].As<io_record>().object.inode,
            static_cast<std::uint64_t>(recording.facts().number[1]));
}

TEST(IoRecords, TellTransfersBetweenDescriptors) {
  START_RECORDING(recording, TreeOptions());
  const pid_t pid = recording.Run([](Facts& facts) {
    const int from = memfd_create("from", 0), to = memfd_create("to", 0);
    int ends[2];
    TRIGGER_CHECK(from >= 0 && to >= 0 && pipe(ends) == 0);
    TRIGGER_CHECK(pwrite(from, "0123456789", 10, 0) == 10);
    TRIGGER_CHECK(sendfile(to, from, nullptr, 4) == 4);
    TRIGGER_CHECK(splice(from, nullptr, ends[1], nullptr, 3, 0) == 3);
    TRIGGER_CHECK(copy_file_range(from, nullptr, to, nullptr, 2, 0) == 2);
    facts.number[0] = from;
    facts.number[1] = to;
    facts.number[2] = ends[1];
  });
  const auto& facts = recording.facts();
  const auto transfers = recording.Read(RECORD_TRANSFER, pid);
  ASSERT_THAT(transfers, SizeIs(3));
  const std::int64_t expected[3][3] = {{facts.number[0], facts.number[1], 4},
                                       {facts.number[0], facts.number[2], 3},
                                       {facts.number[0], facts.number[1], 2}};
  for (std::size_t i = 0; i < 3; i++) {
    const auto seen = transfers[i].As<transfer_record>();
    EXPECT_EQ(seen.source_fd, expected[i][0]);
    EXPECT_EQ(seen.target_fd, expected[i][1]);
    EXPECT_EQ(seen.header.result, expected[i][2]);
    EXPECT_EQ(seen.source.type, OBJECT_FILE);
    EXPECT_NE(seen.source.inode, 0u);
  }
  EXPECT_EQ(transfers[1].As<transfer_record>().target.type, OBJECT_PIPE);
}

TEST(IoRecords, TellMessageQueuesAndPagesGivenToPipes) {
  START_RECORDING(recording, PayloadOptions());
  const pid_t pid = recording.Run([](Facts& facts) {
    struct mq_attr sizes {};
    sizes.mq_maxmsg = 2;
    sizes.mq_msgsize = 64;
    const mqd_t queue = mq_open("/spoor_test", O_CREAT | O_RDWR, 0600, &sizes);
    TRIGGER_CHECK(queue >= 0 && mq_unlink("/spoor_test") == 0);
    TRIGGER_CHECK(mq_send(queue, "hello", 5, 0) == 0);
    char room[64];
    TRIGGER_CHECK(mq_receive(queue, room, sizeof(room), nullptr) == 5);
    int ends[2];
    TRIGGER_CHECK(pipe(ends) == 0);
    char text[] = "pages";
    struct iovec part {
      text, 5
    };
    TRIGGER_CHECK(vmsplice(ends[1], &part, 1, 0) == 5);
    part.iov_base = room;
    TRIGGER_CHECK(vmsplice(ends[0], &part, 1, 0) == 5);
    facts.number[0] = queue;
    facts.number[1] = ends[0];
    facts.number[2] = ends[1];
  });
  const auto& facts = recording.facts();
  const auto queue = OnDescriptor(recording.Read(RECORD_IO, pid), facts.number[0]);
  ASSERT_THAT(queue, SizeIs(2));
  const auto sent = queue[0].As<io_record>(), received = queue[1].As<io_record>();
  EXPECT_EQ(sent.direction, IO_OUT);
  EXPECT_EQ(sent.header.result, 5);
  EXPECT_EQ(queue[0].Text(sent.payload), "hello");
  EXPECT_EQ(received.direction, IO_IN);
  EXPECT_EQ(received.header.result, 5);
  EXPECT_EQ(sent.object.inode, received.object.inode);
  const auto out = OnDescriptor(recording.Read(RECORD_IO, pid), facts.number[2]);
  const auto in = OnDescriptor(recording.Read(RECORD_IO, pid), facts.number[1]);
  ASSERT_THAT(out, SizeIs(1));
  ASSERT_THAT(in, SizeIs(1));
  EXPECT_EQ(out[0].As<io_record>().direction, IO_OUT);
  EXPECT_EQ(out[0].As<io_record>().header.result, 5);
  EXPECT_EQ(in[0].As<io_record>().direction, IO_IN);
}

TEST(IoRecords, TellClonesOfFiles) {
  std::ifstream known("/proc/filesystems");
  const std::string file_systems{std::istreambuf_iterator<char>(known), {}};
  if (file_systems.find("\txfs\n") == std::string::npos)
    GTEST_SKIP() << "the kernel has no file system xfs, where files share blocks";
  START_RECORDING(recording, TreeOptions());
  const std::string folder = std::filesystem::temp_directory_path() / "spoor-clones";
  std::filesystem::create_directories(folder + "/disk");
  ASSERT_EQ(
      std::system(
          ("truncate -s 400M " + folder + "/image && mkfs.xfs -q -f " + folder + "/image").c_str()),
      0);
  const pid_t pid = recording.Run([&](Facts& facts) {
    TRIGGER_CHECK(unshare(CLONE_NEWNS) == 0);  // with the child the mount ends
    TRIGGER_CHECK(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
    TRIGGER_CHECK(std::system(("mount -o loop " + folder + "/image " + folder + "/disk").c_str()) ==
                  0);
    const int from = open((folder + "/disk/from").c_str(), O_RDWR | O_CREAT, 0600);
    const int to = open((folder + "/disk/to").c_str(), O_RDWR | O_CREAT, 0600);
    TRIGGER_CHECK(pwrite(from, "0123456789", 10, 0) == 10);
    TRIGGER_CHECK(ioctl(to, FICLONE, from) == 0);
    struct file_clone_range range {};
    range.src_fd = from;
    TRIGGER_CHECK(ioctl(to, FICLONERANGE, &range) == 0);
    TRIGGER_CHECK(ioctl(to, FICLONE, 0) == -1);
    facts.number[0] = from;
    facts.number[1] = to;
  });
  std::filesystem::remove_all(folder);
  const auto transfers = recording.Read(RECORD_TRANSFER, pid);
  ASSERT_THAT(transfers, SizeIs(3));
  for (std::size_t i = 0; i < 2; i++) {
    const auto seen = transfers[i].As<transfer_record>();
    EXPECT_EQ(seen.source_fd, recording.facts().number[0]);
    EXPECT_EQ(seen.target_fd, recording.facts().number[1]);
    EXPECT_EQ(seen.header.result, 10);
    EXPECT_EQ(seen.source.type, OBJECT_FILE);
    EXPECT_NE(seen.source.inode, seen.target.inode);
  }
  EXPECT_LT(transfers[2].header().result, 0) << "it was refused";
}

TEST(IoRecords, LeaveOutPollsThatFoundNothing) {
  START_RECORDING(recording, TreeOptions());
  const pid_t pid = recording.Run([](Facts& facts) {
    int ends[2];
    TRIGGER_CHECK(pipe2(ends, O_NONBLOCK) == 0);
    char byte;
    for (int i = 0; i < 10'000; i++) TRIGGER_CHECK(read(ends[0], &byte, 1) == -1);
    TRIGGER_CHECK(write(ends[1], "x", 1) == 1);
    const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr name {
      .sa_family = AF_UNIX, .sa_data = {}
    };
    TRIGGER_CHECK(bind(listener, &name, sizeof(sa_family_t)) == 0 && listen(listener, 1) == 0);
    for (int i = 0; i < 100; i++) TRIGGER_CHECK(accept(listener, nullptr, nullptr) == -1);
    facts.number[0] = ends[0];
  });
  EXPECT_THAT(OnDescriptor(recording.Read(RECORD_IO, pid), recording.facts().number[0]), SizeIs(0));
  EXPECT_THAT(recording.Read(RECORD_SOCKET, pid), SizeIs(3));  // socket, bind, listen
  EXPECT_EQ(recording.missing_count(), 0u);
}

}  // namespace
}  // namespace spoor::sensor
