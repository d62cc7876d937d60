// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <string>

#include "tests/kernel/recording.hpp"

namespace spoor::sensor {
namespace {

using ::testing::SizeIs;

std::int64_t InodeOf(int fd) {
  struct stat status {};
  TRIGGER_CHECK(fstat(fd, &status) == 0);
  return static_cast<std::int64_t>(status.st_ino);
}

std::int64_t LocalPort(int fd) {
  struct sockaddr_in6 name {};
  socklen_t size = sizeof(name);
  TRIGGER_CHECK(getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) == 0);
  return ntohs(name.sin6_port);  // at the same place as sin_port
}

std::vector<Record> OfCall(const std::vector<Record>& records, long nr) {
  std::vector<Record> found;
  for (const Record& record : records)
    if (record.header().syscall_nr == nr) found.push_back(record);
  return found;
}

// Facts 0: listening port, 1: client port, 2: inode of the accepted socket, 3: netns.
void TalkOverTcp(int family, Facts& facts) {
  struct sockaddr_in6 name6 {};
  struct sockaddr_in name4 {};
  name6.sin6_family = AF_INET6;
  name6.sin6_addr = in6addr_loopback;
  name4.sin_family = AF_INET;
  name4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* name =
      family == AF_INET ? reinterpret_cast<sockaddr*>(&name4) : reinterpret_cast<sockaddr*>(&name6);
  socklen_t size = family == AF_INET ? sizeof(name4) : sizeof(name6);
  const int listener = socket(family, SOCK_STREAM, 0);
  TRIGGER_CHECK(bind(listener, name, size) == 0 && listen(listener, 5) == 0);
  TRIGGER_CHECK(getsockname(listener, name, &size) == 0);
  const int client = socket(family, SOCK_STREAM, 0);
  TRIGGER_CHECK(connect(client, name, size) == 0);
  const int server = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  char bytes[8];
  TRIGGER_CHECK(send(client, "hello", 5, 0) == 5 && recv(server, bytes, 8, 0) == 5);
  TRIGGER_CHECK(shutdown(client, SHUT_WR) == 0);
  facts.number[0] = LocalPort(listener);
  facts.number[1] = LocalPort(client);
  facts.number[2] = InodeOf(server);
  facts.number[3] = [] {
    struct stat status {};
    TRIGGER_CHECK(stat("/proc/self/ns/net", &status) == 0);
    return static_cast<std::int64_t>(status.st_ino);
  }();
  facts.number[4] = server;
  facts.number[5] = InodeOf(listener);
}

class TcpRecords : public ::testing::TestWithParam<int> {};

TEST_P(TcpRecords, TellBothEnds) {
  KernelSourceOptions options = TreeOptions();
  options.payload_bytes_max = 64;
  options.payload_bytes_per_second = 1 << 20;
  START_RECORDING(recording, options);
  const pid_t pid = recording.Run([](Facts& facts) { TalkOverTcp(GetParam(), facts); });
  const auto& facts = recording.facts();
  const auto calls = recording.Read(RECORD_SOCKET, pid);
  const in6_addr loopback6 = in6addr_loopback;
  const std::uint32_t loopback4 = htonl(INADDR_LOOPBACK);
  const auto is_loopback = [&](const __u8(&address)[16]) {
    return GetParam() == AF_INET ? std::memcmp(address, &loopback4, 4) == 0
                                 : std::memcmp(address, &loopback6, 16) == 0;
  };
  const auto connects = OfCall(calls, SYS_connect);
  ASSERT_THAT(connects, SizeIs(1));
  const auto connected = connects[0].As<socket_record>();
  EXPECT_EQ(connected.socket.family, GetParam());
  EXPECT_EQ(connected.socket.type, SOCK_STREAM);
  EXPECT_EQ(connected.socket.protocol, IPPROTO_TCP);
  EXPECT_EQ(connected.socket.local_port, facts.number[1]);
  EXPECT_EQ(connected.socket.remote_port, facts.number[0]);
  EXPECT_TRUE(is_loopback(connected.socket.local_address));
  EXPECT_TRUE(is_loopback(connected.socket.remote_address));
  EXPECT_EQ(connected.socket.state, TCP_ESTABLISHED);
  EXPECT_EQ(connected.socket.netns, facts.number[3]);
  EXPECT_EQ(connected.socket.flags, 0);
  const auto accepts = OfCall(calls, SYS_accept4);
  ASSERT_THAT(accepts, SizeIs(1));
  const auto accepted = accepts[0].As<socket_record>();
  EXPECT_EQ(accepted.header.result, facts.number[4]);
  EXPECT_EQ(accepted.object.inode, static_cast<std::uint64_t>(facts.number[2]));
  EXPECT_EQ(accepted.listener.inode, static_cast<std::uint64_t>(facts.number[5]));
  EXPECT_EQ(accepted.socket.local_port, facts.number[0]);
  EXPECT_EQ(accepted.socket.remote_port, facts.number[1]);
  const auto listens = OfCall(calls, SYS_listen);
  ASSERT_THAT(listens, SizeIs(1));
  EXPECT_EQ(listens[0].As<socket_record>().argument, 5);
  EXPECT_EQ(listens[0].As<socket_record>().socket.state, TCP_LISTEN);
  EXPECT_THAT(OfCall(calls, SYS_shutdown), SizeIs(1));
  EXPECT_THAT(OfCall(calls, SYS_socket), SizeIs(2));
  EXPECT_THAT(OfCall(calls, SYS_bind), SizeIs(1));
  const auto io = recording.Read(RECORD_IO, pid);
  const auto sent = OfCall(io, SYS_sendto);
  ASSERT_THAT(sent, SizeIs(1));
  const auto out = sent[0].As<io_record>();
  EXPECT_EQ(out.has_socket, 1);
  EXPECT_EQ(out.socket.remote_port, facts.number[0]);
  EXPECT_EQ(out.direction, IO_OUT);
  EXPECT_EQ(sent[0].Text(out.payload), "hello");
  const auto received = OfCall(io, SYS_recvfrom);
  ASSERT_THAT(received, SizeIs(1));
  EXPECT_EQ(received[0].Text(received[0].As<io_record>().payload), "hello");
  EXPECT_EQ(received[0].As<io_record>().object.inode, static_cast<std::uint64_t>(facts.number[2]));
}

INSTANTIATE_TEST_SUITE_P(Families, TcpRecords, ::testing::Values(AF_INET, AF_INET6),
                         [](const auto& family) {
                           return family.param == AF_INET ? "IPv4" : "IPv6";
                         });

TEST(SocketRecords, TellARefusedConnectWithItsTarget) {
  START_RECORDING(recording, TreeOptions());
  const pid_t pid = recording.Run([](Facts&) {
    struct sockaddr_in name {};
    name.sin_family = AF_INET;
    name.sin_port = htons(1);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    TRIGGER_CHECK(connect(client, reinterpret_cast<sockaddr*>(&name), sizeof(name)) == -1);
    TRIGGER_CHECK(socket(AF_INET, SOCK_STREAM, 254) == -1);
  });
  const auto calls = recording.Read(RECORD_SOCKET, pid);
  ASSERT_THAT(calls, SizeIs(3));
  const auto refused = calls[1].As<socket_record>();
  EXPECT_EQ(refused.header.result, -ECONNREFUSED);
  EXPECT_EQ(refused.socket.remote_port, 1);
  EXPECT_EQ(calls[2].As<socket_record>().socket.family, AF_INET);
  EXPECT_LT(calls[2].header().result, 0);
}

TEST(SocketRecords, TellDatagramsWithTheirAddresses) {
  START_RECORDING(recording, TreeOptions());
  const pid_t pid = recording.Run([](Facts& facts) {
    struct sockaddr_in name {};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(name);
    const int server = socket(AF_INET, SOCK_DGRAM, 0), client = socket(AF_INET, SOCK_DGRAM, 0);
    TRIGGER_CHECK(bind(server, reinterpret_cast<sockaddr*>(&name), size) == 0);
    TRIGGER_CHECK(getsockname(server, reinterpret_cast<sockaddr*>(&name), &size) == 0);
    facts.number[0] = ntohs(name.sin_port);
    TRIGGER_CHECK(sendto(client, "one", 3, 0, reinterpret_cast<sockaddr*>(&name), size) == 3);
    struct iovec part {
      const_cast<char*>("two"), 3
    };
    struct msghdr message {};
    message.msg_name = &name;
    message.msg_namelen = size;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    TRIGGER_CHECK(sendmsg(client, &message, 0) == 3);
    struct mmsghdr messages[2] = {{message, 0}, {message, 0}};
    TRIGGER_CHECK(sendmmsg(client, messages, 2, 0) == 2);
    facts.number[1] = LocalPort(client);
    char bytes[8];
    struct sockaddr_in from {};
    socklen_t from_size = sizeof(from);
    TRIGGER_CHECK(recvfrom(server, bytes, 8, 0, reinterpret_cast<sockaddr*>(&from), &from_size) ==
                  3);
    struct iovec into {
      bytes, 8
    };
    message.msg_name = &from;
    message.msg_iov = &into;
    TRIGGER_CHECK(recvmsg(server, &message, 0) == 3);
  });
  const auto& facts = recording.facts();
  std::vector<Record> io;
  for (const Record& record : recording.Read(RECORD_IO, pid))
    if (record.As<io_record>().has_socket) io.push_back(record);
  ASSERT_THAT(io, SizeIs(6));
  const std::int64_t remote[6] = {facts.number[0], facts.number[0], facts.number[0],
                                  facts.number[0], facts.number[1], facts.number[1]};
  for (std::size_t i = 0; i < 6; i++) {
    const auto seen = io[i].As<io_record>();
    EXPECT_EQ(seen.header.result, 3) << i;
    EXPECT_EQ(seen.socket.remote_port, remote[i]) << i;
    EXPECT_EQ(seen.socket.flags, SOCKET_FLAG_REMOTE_FROM_USER) << i;
    EXPECT_EQ(seen.socket.protocol, IPPROTO_UDP) << i;
    EXPECT_EQ(seen.socket.remote_address[0], 127) << i;
  }
}

TEST(SocketRecords, TellUnixPeersAndNames) {
  START_RECORDING(recording, TreeOptions());
  const std::string path = "/tmp/spoor-unix-" + std::to_string(getpid());
  unlink(path.c_str());
  const pid_t pid = recording.Run([&](Facts& facts) {
    struct sockaddr_un name {};
    name.sun_family = AF_UNIX;
    std::strcpy(name.sun_path, path.c_str());
    const int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    TRIGGER_CHECK(bind(listener, reinterpret_cast<sockaddr*>(&name), sizeof(name)) == 0);
    TRIGGER_CHECK(listen(listener, 1) == 0);
    TRIGGER_CHECK(connect(client, reinterpret_cast<sockaddr*>(&name), sizeof(name)) == 0);
    const int server = accept(listener, nullptr, nullptr);
    facts.number[0] = InodeOf(client);
    facts.number[1] = InodeOf(server);
    struct sockaddr_un abstract {};
    abstract.sun_family = AF_UNIX;
    std::memcpy(abstract.sun_path, "\0hidden", 7);
    const int other = socket(AF_UNIX, SOCK_DGRAM, 0);
    TRIGGER_CHECK(bind(other, reinterpret_cast<sockaddr*>(&abstract), 2 + 7) == 0);
    unlink(name.sun_path);
    TRIGGER_CHECK(connect(socket(AF_UNIX, SOCK_STREAM, 0), reinterpret_cast<sockaddr*>(&name),
                          sizeof(name)) == -1);
  });
  const auto calls = recording.Read(RECORD_SOCKET, pid);
  const auto binds = OfCall(calls, SYS_bind);
  ASSERT_THAT(binds, SizeIs(2));
  EXPECT_EQ(binds[0].Text(binds[0].As<socket_record>().unix_path), path);
  EXPECT_EQ(binds[1].Text(binds[1].As<socket_record>().unix_path), std::string("\0hidden", 7));
  const auto connects = OfCall(calls, SYS_connect);
  ASSERT_THAT(connects, SizeIs(2));
  EXPECT_EQ(connects[0].Text(connects[0].As<socket_record>().unix_path), path);
  const auto accepts = OfCall(calls, SYS_accept);
  ASSERT_THAT(accepts, SizeIs(1));
  const auto accepted = accepts[0].As<socket_record>();
  EXPECT_EQ(accepted.socket.peer_inode, static_cast<std::uint64_t>(recording.facts().number[0]));
  EXPECT_EQ(accepted.object.inode, static_cast<std::uint64_t>(recording.facts().number[1]));
  EXPECT_EQ(accepts[0].Text(accepted.unix_path), path);
  EXPECT_EQ(connects[1].header().result, -ENOENT);
  EXPECT_EQ(connects[1].Text(connects[1].As<socket_record>().unix_path).substr(0, path.size()),
            path);
}

}  // namespace
}  // namespace spoor::sensor
