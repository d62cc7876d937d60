// SPDX-License-Identifier: Apache-2.0
// Who was at the other end of each call, how much it moved, and where to.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "tests/kernel/recording.hpp"

namespace spoor::sensor {
namespace {

using ::testing::SizeIs;

KernelSourceOptions PayloadOptions() {
  KernelSourceOptions options = TreeOptions();
  options.payload_bytes_max = 64;
  options.payload_bytes_per_second = 1 << 20;
  return options;
}

struct Bound {
  int fd = -1;
  struct sockaddr_in name {};
  const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&name); }
  std::int64_t port() const { return ntohs(name.sin_port); }
};

Bound Bind(int type, const char* address = "127.0.0.1") {
  Bound bound{.fd = socket(AF_INET, type, 0)};
  bound.name.sin_family = AF_INET;
  TRIGGER_CHECK(inet_pton(AF_INET, address, &bound.name.sin_addr) == 1);
  socklen_t size = sizeof(bound.name);
  auto* name = reinterpret_cast<sockaddr*>(&bound.name);
  TRIGGER_CHECK(bind(bound.fd, name, size) == 0 && getsockname(bound.fd, name, &size) == 0);
  if (type == SOCK_STREAM) TRIGGER_CHECK(listen(bound.fd, 4) == 0);
  return bound;
}

std::vector<Record> OnSockets(Recording& recording, pid_t pid) {
  std::vector<Record> found;
  for (const Record& record : recording.Read(RECORD_IO, pid))
    if (record.As<io_record>().object.type == OBJECT_SOCKET) found.push_back(record);
  return found;
}

TEST(Ends, TellEachMessageOfOneCallWithItsOwnEndAndBytes) {
  START_RECORDING(recording, PayloadOptions());
  const pid_t pid = recording.Run([](Facts& facts) {
    const Bound to[3] = {Bind(SOCK_DGRAM), Bind(SOCK_DGRAM, "127.0.0.2"), Bind(SOCK_DGRAM)};
    const std::string text[3] = {"one", "second", "the third"};
    const int client = socket(AF_INET, SOCK_DGRAM, 0);
    iovec vector[3];
    mmsghdr messages[3] = {};
    for (int i = 0; i < 3; i++) {
      facts.number[i] = to[i].port();
      vector[i] = {const_cast<char*>(text[i].data()), text[i].size()};
      messages[i].msg_hdr.msg_name = const_cast<sockaddr_in*>(&to[i].name);
      messages[i].msg_hdr.msg_namelen = sizeof(to[i].name);
      messages[i].msg_hdr.msg_iov = &vector[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    TRIGGER_CHECK(sendmmsg(client, messages, 3, 0) == 3);
  });
  const auto io = OnSockets(recording, pid);
  ASSERT_THAT(io, SizeIs(3));
  const char* text[3] = {"one", "second", "the third"};
  for (std::size_t i = 0; i < 3; i++) {
    const auto seen = io[i].As<io_record>();
    EXPECT_EQ(seen.socket.remote_port, recording.facts().number[i]);
    EXPECT_EQ(seen.socket.remote_address[3], i == 1 ? 2 : 1);
    EXPECT_EQ(io[i].Text(seen.payload), text[i]);
    EXPECT_EQ(seen.header.result, static_cast<std::int64_t>(std::string(text[i]).size()));
  }
}

TEST(Ends, TellSendersWhomTheProgramDidNotAskFor) {
  START_RECORDING(recording, PayloadOptions());
  const pid_t pid = recording.Run([](Facts& facts) {
    const Bound server = Bind(SOCK_DGRAM);
    const Bound one = Bind(SOCK_DGRAM, "127.0.0.9"), two = Bind(SOCK_DGRAM, "127.0.0.10");
    facts.number[0] = one.port();
    facts.number[1] = two.port();
    facts.number[2] = server.fd;
    const auto send_to = [&](const Bound& from, const char* text) {
      TRIGGER_CHECK(sendto(from.fd, text, 3, 0, server.address(), sizeof(server.name)) == 3);
    };
    send_to(one, "abc");
    send_to(two, "abd");
    send_to(one, "xyz");
    send_to(two, "123");
    send_to(one, "two");  // of two senders who say the same, none is named
    send_to(two, "two");
    char bytes[8];
    TRIGGER_CHECK(recv(server.fd, bytes, 8, 0) == 3);
    TRIGGER_CHECK(read(server.fd, bytes, 8) == 3);
    iovec vector[2] = {{bytes, 4}, {bytes + 4, 4}};
    mmsghdr messages[2] = {};
    for (int i = 0; i < 2; i++) {
      messages[i].msg_hdr.msg_iov = &vector[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    TRIGGER_CHECK(recvmmsg(server.fd, messages, 2, 0, nullptr) == 2);
    TRIGGER_CHECK(recv(server.fd, bytes, 8, 0) == 3);
  });
  std::vector<Record> received;
  for (const Record& record : OnSockets(recording, pid))
    if (record.As<io_record>().direction == IO_IN) received.push_back(record);
  ASSERT_THAT(received, SizeIs(5));
  EXPECT_EQ(received[4].As<io_record>().socket.remote_port, 0);
  for (std::size_t i = 0; i < 4; i++) {
    const auto seen = received[i].As<io_record>();
    if (std::getenv("SPOOR_PORTABLE_READS") != nullptr) {
      EXPECT_EQ(seen.socket.remote_port, 0) << "known on kernels from 6.2 on";
      continue;
    }
    EXPECT_EQ(seen.socket.remote_port, recording.facts().number[i % 2]) << i;
    EXPECT_EQ(seen.socket.remote_address[3], i % 2 == 0 ? 9 : 10) << i;
    EXPECT_EQ(seen.socket.flags, SOCKET_FLAG_REMOTE_FROM_PACKET);
  }
}

TEST(Ends, TellTheEndAtEachCallOfASocketThatConnectsAgain) {
  START_RECORDING(recording, TreeOptions());
  const pid_t pid = recording.Run([](Facts& facts) {
    const Bound one = Bind(SOCK_DGRAM), two = Bind(SOCK_DGRAM);
    facts.number[0] = one.port();
    facts.number[1] = two.port();
    const int client = socket(AF_INET, SOCK_DGRAM, 0);
    TRIGGER_CHECK(connect(client, one.address(), sizeof(one.name)) == 0);
    TRIGGER_CHECK(write(client, "a", 1) == 1);
    TRIGGER_CHECK(connect(client, two.address(), sizeof(two.name)) == 0);
    TRIGGER_CHECK(write(client, "bb", 2) == 2);
    // A datagram goes where the call says.
    TRIGGER_CHECK(sendto(client, "ccc", 3, 0, one.address(), sizeof(one.name)) == 3);
    const Bound first = Bind(SOCK_STREAM), second = Bind(SOCK_STREAM);
    facts.number[2] = first.port();
    facts.number[3] = second.port();
    const int stream = socket(AF_INET, SOCK_STREAM, 0);
    TRIGGER_CHECK(connect(stream, first.address(), sizeof(first.name)) == 0);
    TRIGGER_CHECK(write(stream, "dddd", 4) == 4);
    const sockaddr nobody{};  // AF_UNSPEC
    TRIGGER_CHECK(connect(stream, &nobody, sizeof(nobody)) == 0);
    TRIGGER_CHECK(connect(stream, second.address(), sizeof(second.name)) == 0);
    TRIGGER_CHECK(write(stream, "eeeee", 5) == 5);
  });
  const auto io = OnSockets(recording, pid);
  ASSERT_THAT(io, SizeIs(5));
  const std::int64_t* port = recording.facts().number;
  const std::int64_t expected[5] = {port[0], port[1], port[0], port[2], port[3]};
  for (std::size_t i = 0; i < 5; i++) {
    EXPECT_EQ(io[i].As<io_record>().socket.remote_port, expected[i]) << i;
    EXPECT_EQ(io[i].header().result, static_cast<std::int64_t>(i + 1));
  }
  const auto sockets = recording.Read(RECORD_SOCKET, pid);
  const auto undone = std::ranges::find_if(sockets, [](const Record& record) {
    const auto body = record.As<socket_record>();
    return record.header().syscall_nr == SYS_connect && body.socket.protocol == IPPROTO_TCP &&
           body.socket.remote_port == 0;
  });
  EXPECT_NE(undone, sockets.end()) << "AF_UNSPEC leaves it without an end";
}

TEST(Ends, TellHowAConnectEndedThatWentOnBehindTheProgramsBack) {
  START_RECORDING(recording, TreeOptions());
  const pid_t pid = recording.Run([](Facts& facts) {
    Bound closed = Bind(SOCK_STREAM);
    close(closed.fd);
    facts.number[0] = closed.port();
    const int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    TRIGGER_CHECK(connect(client, closed.address(), sizeof(closed.name)) == -1);
    pollfd ready{.fd = client, .events = POLLOUT, .revents = 0};
    TRIGGER_CHECK(poll(&ready, 1, -1) == 1);
    int error = 0;
    socklen_t size = sizeof(error);
    TRIGGER_CHECK(getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &size) == 0);
    TRIGGER_CHECK(error == ECONNREFUSED);
    TRIGGER_CHECK(getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0);
  });
  std::vector<Record> connects;
  for (const Record& record : recording.Read(RECORD_SOCKET, pid))
    if (record.header().syscall_nr == SYS_connect) connects.push_back(record);
  ASSERT_THAT(connects, SizeIs(2));
  EXPECT_EQ(connects[0].header().result, -EINPROGRESS);
  EXPECT_EQ(connects[1].header().result, -ECONNREFUSED);
  for (const Record& record : connects)
    EXPECT_EQ(record.As<socket_record>().socket.remote_port, recording.facts().number[0]);
}

TEST(Ends, TellIcmpOverARawSocket) {
  START_RECORDING(recording, PayloadOptions());
  const pid_t pid = recording.Run([](Facts&) {
    const int raw = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    TRIGGER_CHECK(raw >= 0);
    struct {
      icmphdr header;
      char text[8];
    } packet{};
    packet.header.type = ICMP_ECHOREPLY;  // which nobody answers
    std::copy_n("exfil", 5, packet.text);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(0x7f000005);
    TRIGGER_CHECK(sendto(raw, &packet, sizeof(packet), 0, reinterpret_cast<sockaddr*>(&to),
                         sizeof(to)) == sizeof(packet));
    char bytes[100];
    TRIGGER_CHECK(recv(raw, bytes, sizeof(bytes), 0) > 0);
  });
  const auto io = OnSockets(recording, pid);
  ASSERT_THAT(io, SizeIs(2));
  for (std::size_t i = 0; i < 2; i++) {
    const auto seen = io[i].As<io_record>();
    EXPECT_EQ(seen.socket.protocol, IPPROTO_ICMP);
    EXPECT_EQ(seen.socket.local_port, 0) << "there are none";
    EXPECT_EQ(seen.socket.remote_address[0], 127);
    EXPECT_EQ(seen.socket.remote_address[3], i == 0 ? 5 : 1);
  }
}

TEST(Ends, SayThatALookMovedNothingAndThatADatagramWasCut) {
  START_RECORDING(recording, PayloadOptions());
  const pid_t pid = recording.Run([](Facts&) {
    int pair[2];
    TRIGGER_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    char bytes[64];
    TRIGGER_CHECK(send(pair[0], "looked at", 9, 0) == 9);
    TRIGGER_CHECK(recv(pair[1], bytes, 64, MSG_PEEK) == 9);
    TRIGGER_CHECK(recv(pair[1], bytes, 64, 0) == 9);
    const Bound server = Bind(SOCK_DGRAM), client = Bind(SOCK_DGRAM);
    for (int i = 0; i < 3; i++)
      TRIGGER_CHECK(sendto(client.fd, "0123456789", 10, 0, server.address(), sizeof(server.name)) ==
                    10);
    struct {
      char wanted[4];
      char secret[60];
    } memory{};
    std::copy_n("SECRET", 6, memory.secret);
    TRIGGER_CHECK(recv(server.fd, memory.wanted, 4, MSG_TRUNC) == 10);
    TRIGGER_CHECK(recv(server.fd, memory.wanted, 4, 0) == 4);
    iovec vector{memory.wanted, 4};
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    TRIGGER_CHECK(recvmsg(server.fd, &message, MSG_TRUNC) == 10);
  });
  std::vector<Record> received;
  for (const Record& record : OnSockets(recording, pid))
    if (record.As<io_record>().direction == IO_IN) received.push_back(record);
  ASSERT_THAT(received, SizeIs(5));
  const auto peek = received[0].As<io_record>();
  EXPECT_EQ(peek.flags, IO_FLAG_PEEK);
  EXPECT_EQ(peek.payload.status, TAIL_NONE);
  EXPECT_EQ(received[1].Text(received[1].As<io_record>().payload), "looked at");
  for (const std::size_t i : {2U, 4U}) {
    const auto cut = received[i].As<io_record>();
    EXPECT_EQ(cut.flags, IO_FLAG_CUT) << i;
    EXPECT_EQ(cut.header.result, 4) << i;
    EXPECT_EQ(received[i].Text(cut.payload), "0123") << i;
  }
}

TEST(Ends, TellWhereAppendedBytesWent) {
  START_RECORDING(recording, TreeOptions());
  const pid_t pid = recording.Run([](Facts& facts) {
    const int appends = open("/tmp", O_TMPFILE | O_WRONLY | O_APPEND, 0600);
    const int plain = open("/tmp", O_TMPFILE | O_WRONLY, 0600);
    facts.number[0] = appends >= 0 && plain >= 0;
    if (facts.number[0] == 0) return;
    iovec vector{const_cast<char*>("XY"), 2};
    TRIGGER_CHECK(write(appends, "0123456789", 10) == 10);
    TRIGGER_CHECK(pwrite(appends, "XY", 2, 0) == 2);
    TRIGGER_CHECK(pwritev(appends, &vector, 1, 3) == 2);
    TRIGGER_CHECK(write(plain, "0123456789", 10) == 10);
    TRIGGER_CHECK(pwritev2(plain, &vector, 1, 0, RWF_APPEND) == 2);
    TRIGGER_CHECK(pwrite(plain, "XY", 2, 1) == 2);
  });
  if (recording.facts().number[0] == 0) GTEST_SKIP() << "/tmp has no O_TMPFILE";
  std::vector<std::int64_t> offsets;
  for (const Record& record : recording.Read(RECORD_IO, pid))
    if (record.As<io_record>().direction == IO_OUT)
      offsets.push_back(record.As<io_record>().offset_bytes);
  EXPECT_THAT(offsets, testing::ElementsAre(0, 10, 12, 0, 10, 1));
}

TEST(Ends, SayThatTransferredBytesWereLeftOut) {
  START_RECORDING(recording, PayloadOptions());
  const pid_t pid = recording.Run([](Facts&) {
    int ends[2], pair[2];
    TRIGGER_CHECK(pipe(ends) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    TRIGGER_CHECK(write(ends[1], "through", 7) == 7);
    TRIGGER_CHECK(splice(ends[0], nullptr, pair[0], nullptr, 7, 0) == 7);
  });
  const auto transfers = recording.Read(RECORD_TRANSFER, pid);
  ASSERT_THAT(transfers, SizeIs(1));
  EXPECT_TRUE(transfers[0].header().flags & RECORD_FLAG_PAYLOAD_LEFT_OUT);
}

TEST(Ends, TellWhichDescriptorsExecCloses) {
  START_RECORDING(recording, TreeOptions());
  const pid_t pid = recording.Run([](Facts& facts) {
    const int closed = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int kept = socket(AF_UNIX, SOCK_STREAM, 0);
    facts.number[0] = kept;
    TRIGGER_CHECK(fcntl(kept, F_SETFD, FD_CLOEXEC) == 0);
    TRIGGER_CHECK(fcntl(closed, F_SETFD, 0) == 0);
    TRIGGER_CHECK(ioctl(closed, FIOCLEX) == 0 && ioctl(closed, FIONCLEX) == 0);
    TRIGGER_CHECK(memfd_create("m", MFD_CLOEXEC) >= 0);
    TRIGGER_CHECK(syscall(SYS_close_range, 400U, ~0U, 0) == 0);
  });
  const auto sockets = recording.Read(RECORD_SOCKET, pid);
  ASSERT_THAT(sockets, SizeIs(2));
  EXPECT_EQ(sockets[0].As<socket_record>().argument, O_CLOEXEC);
  EXPECT_EQ(sockets[1].As<socket_record>().argument, 0);
  std::vector<std::uint32_t> flags;
  for (const Record& record : recording.Read(RECORD_DUP, pid)) {
    const auto body = record.As<descriptor_record>();
    EXPECT_EQ(body.fd, body.other_fd);
    flags.push_back(body.descriptor_flags);
  }
  EXPECT_THAT(flags, testing::ElementsAre(O_CLOEXEC, 0U, O_CLOEXEC, 0U));
  const auto opens = recording.Read(RECORD_OPEN, pid);
  ASSERT_THAT(opens, SizeIs(1));
  EXPECT_TRUE(opens[0].As<open_record>().open_flags & O_CLOEXEC);
  const auto closes = recording.Read(RECORD_CLOSE, pid);
  EXPECT_EQ(closes.back().As<descriptor_record>().fd, 400);
  EXPECT_EQ(closes.back().As<descriptor_record>().other_fd, 0x7fffffff);
}

TEST(Ends, TellWhoseMemoryWasChanged) {
  START_RECORDING(recording, TreeOptions());
  static volatile long cell = 1;
  const pid_t pid = recording.Run([](Facts& facts) {
    const pid_t victim = fork();
    if (victim == 0) {
      for (;;) pause();
    }
    facts.number[0] = victim;
    long value = 2;
    iovec here{&value, sizeof(value)};
    iovec there{const_cast<long*>(&cell), sizeof(value)};
    TRIGGER_CHECK(process_vm_writev(victim, &here, 1, &there, 1, 0) == sizeof(value));
    const int memory = open(("/proc/" + std::to_string(victim) + "/mem").c_str(), O_RDWR);
    TRIGGER_CHECK(pwrite(memory, &value, sizeof(value), reinterpret_cast<off_t>(&cell)) ==
                  sizeof(value));
    TRIGGER_CHECK(kill(victim, SIGKILL) == 0 && waitpid(victim, nullptr, 0) == victim);
  });
  std::vector<Record> writes;
  for (const Record& record : recording.Read(RECORD_SIGNAL, pid))
    if (record.header().syscall_nr != SYS_kill) writes.push_back(record);
  ASSERT_THAT(writes, SizeIs(2));
  EXPECT_EQ(writes[0].header().syscall_nr, SYS_process_vm_writev);
  EXPECT_EQ(writes[1].header().syscall_nr, SYS_pwrite64);
  for (const Record& record : writes)
    EXPECT_EQ(record.As<signal_record>().target_pid, recording.facts().number[0]);
  EXPECT_NE(writes[1].As<signal_record>().target_start_boot_ns, 0U);
  if (std::getenv("SPOOR_PORTABLE_READS") == nullptr) {
    EXPECT_EQ(writes[0].As<signal_record>().target_start_boot_ns,
              writes[1].As<signal_record>().target_start_boot_ns);
  }
}

TEST(Ends, TellOneMemoryFileByWhateverCall) {
  START_RECORDING(recording, TreeOptions());
  const pid_t pid = recording.Run([](Facts&) {
    const int memory = memfd_create("m", 0);
    TRIGGER_CHECK(write(memory, "x", 1) == 1);
    const int again = open(("/proc/self/fd/" + std::to_string(memory)).c_str(), O_RDWR);
    TRIGGER_CHECK(again >= 0 && write(again, "y", 1) == 1 && ftruncate(memory, 1) == 0);
  });
  int seen = 0;
  const auto expect_memory = [&](const object_ref& object) {
    EXPECT_TRUE(object.flags & OBJECT_FLAG_MEMFD);
    seen++;
  };
  for (const Record& record : recording.Read(RECORD_OPEN, pid))
    expect_memory(record.As<open_record>().object);
  for (const Record& record : recording.Read(RECORD_IO, pid))
    if (record.As<io_record>().direction == IO_OUT) expect_memory(record.As<io_record>().object);
  for (const Record& record : recording.Read(RECORD_PATH, pid))
    expect_memory(record.As<path_record>().object);
  EXPECT_EQ(seen, 5);
}

}  // namespace
}  // namespace spoor::sensor
