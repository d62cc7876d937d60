// SPDX-License-Identifier: Apache-2.0
#include "ingest/record_events.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "event/open_flags.hpp"
#include "ingest/record_names.hpp"
#include "ingest/recording_for_tests.hpp"

namespace spoor::ingest {
namespace {

using event::Event;
using event::EventKind;
using event::ObjectType;
using testing::ElementsAre;
using testing::IsEmpty;

object_ref Object(std::uint8_t type, std::uint64_t inode, std::uint8_t flags = 0) {
  return {.inode = inode,
          .device = 8 << 20 | 1,
          .generation = 3,
          .device_of_node = 0,
          .mode = 0100644,
          .type = type,
          .flags = flags};
}

class RecordEventsTest : public testing::Test {
 protected:
  std::vector<Event> Decode(const std::vector<std::byte>& record) {
    std::vector<Event> events;
    const Result<> appended =
        record_events_.Append(record, {.entry_index = 7, .wall_minus_boot_ns = 5000}, events);
    EXPECT_TRUE(appended) << appended.error().message;
    return events;
  }
  template <typename Body>
  Event DecodeOne(wire::RecordBuilder<Body>& builder) {
    std::vector<Event> events = Decode(builder.Build());
    EXPECT_EQ(events.size(), 1U);
    return events.empty() ? Event{} : events.front();
  }
  template <typename Body>
  Event DecodeOne(const Body& body) {
    wire::RecordBuilder<Body> builder(body);
    return DecodeOne(builder);
  }
  std::string ErrorOf(const std::vector<std::byte>& record) {
    std::vector<Event> events;
    const Result<> appended = record_events_.Append(record, {}, events);
    EXPECT_TRUE(events.empty());
    return appended ? "" : appended.error().message;
  }

  RecordEvents record_events_{{"web", "db"}, "b00t"};
};

TEST_F(RecordEventsTest, CarriesTheHeaderIntoEveryEvent) {
  exit_record body{};
  body.header = TestHeader(RECORD_EXIT, 100);
  body.header.scope = 1;
  body.exit_code = 3 << 8;
  const Event event = DecodeOne(body);
  EXPECT_EQ(event.kind, EventKind::kExit);
  EXPECT_EQ(event.host, "db");
  EXPECT_EQ(event.boot_id, "b00t");
  EXPECT_EQ(event.end_boot_ns, 100U);
  EXPECT_EQ(event.wall_ns, 5100);
  EXPECT_EQ(event.entry_index, 7);
  EXPECT_EQ(event.process, (event::ProcessKey{.pid = 100, .start_boot_ns = 50}));
  EXPECT_EQ(event.tid, 101U);
  EXPECT_EQ(event.uid, 1000U);
  EXPECT_EQ(event.euid, 1001U);
  EXPECT_EQ(event.exit_code, 3U << 8);
  EXPECT_FALSE(event.baseline);
}

TEST_F(RecordEventsTest, ForkNamesTheChildAndAParentOtherThanTheCaller) {
  fork_record body{};
  body.header = TestHeader(RECORD_FORK, 100, 56);
  body.child_pid = body.child_tid = 200;
  body.child_start_boot_ns = 99;
  body.parent_pid = 100;
  body.parent_start_boot_ns = 50;
  body.session_id = 9;
  std::memcpy(body.command, "sh", 3);
  Event event = DecodeOne(body);
  EXPECT_EQ(event.kind, EventKind::kFork);
  EXPECT_EQ(event.other_process, (event::ProcessKey{.pid = 200, .start_boot_ns = 99}));
  EXPECT_FALSE(event.parent_process);
  EXPECT_EQ(event.session_id, 9U);
  EXPECT_EQ(event.command, "sh");
  body.parent_pid = 1;
  body.parent_start_boot_ns = 2;
  event = DecodeOne(body);
  EXPECT_EQ(event.parent_process, (event::ProcessKey{.pid = 1, .start_boot_ns = 2}));
}

TEST_F(RecordEventsTest, NewThreadIsNoEvent) {
  fork_record body{};
  body.header = TestHeader(RECORD_FORK, 100);
  body.header.flags = RECORD_FLAG_THREAD;
  EXPECT_THAT(Decode(wire::RecordBuilder(body).Build()), IsEmpty());
}

TEST_F(RecordEventsTest, ExecOfAScriptKeepsWhatWasAskedFor) {
  exec_record body{};
  body.header = TestHeader(RECORD_EXEC, 100, 59);
  body.object = Object(OBJECT_FILE, 11);
  body.credentials.euid = 33;
  body.object_uid = 5;
  wire::RecordBuilder builder(body);
  builder.Tail(&exec_record::path, "/usr/bin/dash")
      .Tail(&exec_record::user_path, "./run.sh")
      .Tail(&exec_record::interpreter, "/bin/sh")
      .Tail(&exec_record::arguments, std::string_view("/bin/sh\0./run.sh\0\0", 18))
      .Tail(&exec_record::working_directory, "/srv");
  const Event event = DecodeOne(builder);
  EXPECT_EQ(event.kind, EventKind::kExec);
  EXPECT_EQ(event.path, "/usr/bin/dash");
  EXPECT_EQ(event.user_path, "./run.sh");
  EXPECT_EQ(event.interpreter, "/bin/sh");
  EXPECT_THAT(event.arguments, ElementsAre("/bin/sh", "./run.sh", ""));
  EXPECT_FALSE(event.arguments_truncated);
  EXPECT_EQ(event.working_directory, "/srv");
  EXPECT_EQ(event.credentials->euid, 33U);
  EXPECT_EQ(event.object_uid, 5U);
  EXPECT_EQ(event.object, (event::ObjectKey{.type = ObjectType::kFile,
                                            .device = 8 << 20 | 1,
                                            .inode = 11,
                                            .generation = 3,
                                            .instance = 0,
                                            .path = {}}));
  EXPECT_EQ(event.mode, 0100644U);
}

TEST_F(RecordEventsTest, RefusedExecHasTheAbsolutePathAndNoCredentials) {
  exec_record body{};
  body.header = TestHeader(RECORD_EXEC, 100, 59, -EACCES);
  wire::RecordBuilder builder(body);
  builder.Tail(&exec_record::user_path, "../x")
      .Tail(&exec_record::arguments, std::string_view("x\0y", 3), TAIL_TRUNCATED)
      .Tail(&exec_record::working_directory, "/srv/app");
  const Event event = DecodeOne(builder);
  EXPECT_EQ(event.result, -EACCES);
  EXPECT_EQ(event.path, "/srv/x");
  EXPECT_EQ(event.user_path, "../x");
  EXPECT_THAT(event.arguments, ElementsAre("x", "y"));
  EXPECT_TRUE(event.arguments_truncated);
  EXPECT_FALSE(event.credentials);
  EXPECT_EQ(event.object.type, ObjectType::kNone);
}

TEST_F(RecordEventsTest, CredentialChangeNamesItsCall) {
  credential_record body{};
  body.header = TestHeader(RECORD_CREDENTIAL, 100, 117);
  body.credentials = {.uid = 1,
                      .euid = 2,
                      .suid = 3,
                      .fsuid = 4,
                      .gid = 5,
                      .egid = 6,
                      .sgid = 7,
                      .fsgid = 8,
                      .cap_effective = 9,
                      .cap_permitted = 10,
                      .cap_inheritable = 11,
                      .user_namespace = 12,
                      .pad = 0};
  const Event event = DecodeOne(body);
  EXPECT_EQ(event.kind, EventKind::kCredentialChange);
  EXPECT_EQ(event.syscall, "setresuid");
  EXPECT_EQ(event.credentials, (event::Credentials{.uid = 1,
                                                   .euid = 2,
                                                   .suid = 3,
                                                   .fsuid = 4,
                                                   .gid = 5,
                                                   .egid = 6,
                                                   .sgid = 7,
                                                   .fsgid = 8,
                                                   .cap_effective = 9,
                                                   .cap_permitted = 10,
                                                   .cap_inheritable = 11,
                                                   .user_namespace = 12}));
}

TEST_F(RecordEventsTest, OpenPrefersTheKernelsPathAndFailedOpenResolvesItself) {
  open_record body{};
  body.header = TestHeader(RECORD_OPEN, 100, 257, 3);
  body.object = Object(OBJECT_FILE, 11);
  body.fd = 3;
  body.open_flags = O_RDONLY | O_CLOEXEC;
  wire::RecordBuilder found(body);
  found.Tail(&open_record::path, "/etc/passwd").Tail(&open_record::user_path, "link");
  Event event = DecodeOne(found);
  EXPECT_EQ(event.kind, EventKind::kOpen);
  EXPECT_EQ(event.path, "/etc/passwd");
  EXPECT_EQ(event.user_path, "link");
  EXPECT_EQ(event.fd, 3);
  EXPECT_EQ(event.flags, static_cast<std::uint64_t>(O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(event.socket);

  open_record failed{};
  failed.header = TestHeader(RECORD_OPEN, 100, 257, -ENOENT);
  failed.fd = -ENOENT;
  wire::RecordBuilder missing(failed);
  missing.Tail(&open_record::base, "/srv").Tail(&open_record::user_path, "./a//b");
  event = DecodeOne(missing);
  EXPECT_EQ(event.result, -ENOENT);
  EXPECT_EQ(event.path, "/srv/a/b");
  EXPECT_EQ(event.fd, -1);
}

TEST_F(RecordEventsTest, MemoryFilesAreATypeOfTheirOwn) {
  open_record body{};
  body.header = TestHeader(RECORD_OPEN, 100, 319, 3);
  body.object = Object(OBJECT_FILE, 11, OBJECT_FLAG_MEMFD);
  EXPECT_EQ(DecodeOne(body).object.type, ObjectType::kMemfd);
}

TEST_F(RecordEventsTest, BaselineDescriptorSaysItsSocket) {
  open_record body{};
  body.header = TestHeader(RECORD_OPEN, 100);
  body.header.flags = RECORD_FLAG_BASELINE;
  body.fd = 4;
  body.object = Object(OBJECT_SOCKET, 11);
  body.socket.family = AF_UNIX;
  body.socket.type = SOCK_STREAM;
  wire::RecordBuilder builder(body);
  builder.Tail(&open_record::unix_path, std::string_view("\0abstract", 9));
  const Event event = DecodeOne(builder);
  EXPECT_EQ(event.kind, EventKind::kDescriptor);
  EXPECT_TRUE(event.baseline);
  EXPECT_EQ(event.fd, 4);
  EXPECT_EQ(event.socket->family, "unix");
  EXPECT_EQ(event.socket->unix_path, "@abstract");
}

TEST_F(RecordEventsTest, APathWhoseBeginningIsMissingNeverLooksWhole) {
  open_record body{};
  body.header = TestHeader(RECORD_OPEN, 100, 257, 3);
  body.object = Object(OBJECT_FILE, 5);
  body.open_flags = O_WRONLY | O_CREAT | OPEN_CREATED;
  body.mode = 04755;
  wire::RecordBuilder<open_record> builder(body);
  builder.Tail(&open_record::path, "/d/e/f", TAIL_TRUNCATED);
  const Event event = DecodeOne(builder);
  EXPECT_EQ(event.path, "…/d/e/f");
  EXPECT_NE(event.flags & event::kOpenCreated, 0U);
  EXPECT_EQ(event.value, 04755U) << "with what mode it was made";
}

TEST_F(RecordEventsTest, AProgramThatWasDeletedBeforeItRanSaysSo) {
  exec_record body{};
  body.header = TestHeader(RECORD_EXEC, 100);
  body.object = Object(OBJECT_FILE, 5, OBJECT_FLAG_UNLINKED);
  wire::RecordBuilder<exec_record> builder(body);
  builder.Tail(&exec_record::path, "/tmp/x");
  EXPECT_EQ(DecodeOne(builder).flags, static_cast<std::uint64_t>(event::kExecDeleted));
}

TEST_F(RecordEventsTest, PtyIsToldApartByWhenItsMasterWasOpened) {
  io_record io{};
  io.header = TestHeader(RECORD_IO, 50, 0, 1);
  io.object = Object(OBJECT_PTY, 5);
  io.direction = IO_IN;
  EXPECT_EQ(DecodeOne(io).object.instance, 0U);

  open_record master{};
  master.header = TestHeader(RECORD_OPEN, 100, 257, 3);
  master.object = Object(OBJECT_PTY, 5, OBJECT_FLAG_PTY_MASTER);
  const Event opened = DecodeOne(master);
  EXPECT_EQ(opened.object.instance, 100U);
  EXPECT_TRUE(opened.object_pty_master);
  EXPECT_EQ(DecodeOne(io).object.instance, 100U);
  EXPECT_FALSE(DecodeOne(io).object_pty_master);
  master.header.boot_ns = 900;
  EXPECT_EQ(DecodeOne(master).object.instance, 900U);
  EXPECT_EQ(DecodeOne(io).object.instance, 900U);
}

TEST_F(RecordEventsTest, OnesOwnTerminalIsNamedByItsNumber) {
  open_record own{};
  own.header = TestHeader(RECORD_OPEN, 100, 257, 3);
  own.object = Object(OBJECT_PTY, 10);
  own.object.device_of_node = 7;
  wire::RecordBuilder opened(own);
  opened.Tail(&open_record::path, "/dev/tty").Tail(&open_record::user_path, "/dev/tty");
  const Event event = DecodeOne(opened);
  EXPECT_EQ(event.path, "/dev/pts/7");
  EXPECT_EQ(event.user_path, "/dev/tty");
}

TEST_F(RecordEventsTest, CloseRangeNamesItsEndAndCloseDoesNot) {
  descriptor_record body{};
  body.header = TestHeader(RECORD_CLOSE, 100, 3);
  body.fd = 5;
  EXPECT_EQ(DecodeOne(body).other_fd, -1);
  body.header.syscall_nr = 436;
  body.other_fd = 9;
  const Event event = DecodeOne(body);
  EXPECT_EQ(event.kind, EventKind::kClose);
  EXPECT_EQ(event.fd, 5);
  EXPECT_EQ(event.other_fd, 9);
}

TEST_F(RecordEventsTest, DupNamesBothDescriptors) {
  descriptor_record body{};
  body.header = TestHeader(RECORD_DUP, 100, 33, 0);
  body.object = Object(OBJECT_PIPE, 11);
  body.fd = 5;
  body.other_fd = 0;
  const Event event = DecodeOne(body);
  EXPECT_EQ(event.kind, EventKind::kDup);
  EXPECT_EQ(event.fd, 5);
  EXPECT_EQ(event.other_fd, 0);
  EXPECT_EQ(event.object.type, ObjectType::kPipe);
}

TEST_F(RecordEventsTest, IoKindFollowsDirectionAndFamilyOfCalls) {
  struct Case {
    std::uint8_t direction;
    std::uint16_t syscall_nr;
    EventKind kind;
  };
  for (const Case& c : {Case{IO_IN, 0, EventKind::kRead}, Case{IO_OUT, 1, EventKind::kWrite},
                        Case{IO_IN, 45, EventKind::kRecv}, Case{IO_OUT, 46, EventKind::kSend}}) {
    io_record body{};
    body.header = TestHeader(RECORD_IO, 100, c.syscall_nr, 42);
    body.object = Object(OBJECT_SOCKET, 11);
    body.fd = 6;
    body.direction = c.direction;
    body.offset_bytes = -1;
    const Event event = DecodeOne(body);
    EXPECT_EQ(event.kind, c.kind);
    EXPECT_EQ(event.size_bytes, 42U);
    EXPECT_EQ(event.fd, 6);
    EXPECT_FALSE(event.payload);
    EXPECT_FALSE(event.terminal);
  }
}

TEST_F(RecordEventsTest, IoKeepsPayloadTerminalAndWhatWasShed) {
  io_record body{};
  body.header = TestHeader(RECORD_IO, 100, 0, 4);
  body.object = Object(OBJECT_PTY, 5);
  body.direction = IO_IN;
  body.offset_bytes = 12;
  body.terminal = {
      .rows = 24, .columns = 80, .flags = TERMINAL_KNOWN | TERMINAL_CANONICAL, .pad = 0};
  wire::RecordBuilder builder(body);
  builder.Tail(&io_record::payload, std::string_view("a\0b\n", 4), TAIL_TRUNCATED);
  Event event = DecodeOne(builder);
  EXPECT_EQ(event.payload, std::string("a\0b\n", 4));
  EXPECT_EQ(event.offset_bytes, 12);
  EXPECT_EQ(event.terminal,
            (event::TerminalState{.rows = 24, .columns = 80, .echo = false, .canonical = true}));
  body.payload.status = TAIL_SHED;
  event = DecodeOne(body);
  EXPECT_FALSE(event.payload);
  EXPECT_TRUE(event.payload_shed);
}

TEST_F(RecordEventsTest, FailedIoMovedNothing) {
  io_record body{};
  body.header = TestHeader(RECORD_IO, 100, 1, -EPIPE);
  body.direction = IO_OUT;
  const Event event = DecodeOne(body);
  EXPECT_EQ(event.result, -EPIPE);
  EXPECT_EQ(event.size_bytes, 0U);
}

TEST_F(RecordEventsTest, RenameMakesBothPathsAbsolute) {
  path_record body{};
  body.header = TestHeader(RECORD_PATH, 100, 316);
  body.call_flags = 2;
  wire::RecordBuilder builder(body);
  builder.Tail(&path_record::base, "/srv")
      .Tail(&path_record::user_path, "a")
      .Tail(&path_record::other_base, "/tmp/deep")
      .Tail(&path_record::other_user_path, "../b");
  const Event event = DecodeOne(builder);
  EXPECT_EQ(event.kind, EventKind::kRename);
  EXPECT_EQ(event.path, "/srv/a");
  EXPECT_EQ(event.user_path, "a");
  EXPECT_EQ(event.other_path, "/tmp/b");
  EXPECT_EQ(event.flags, 2U);
}

TEST_F(RecordEventsTest, SymlinkIsNamedByTheLinkAndKeepsTheTargetAsText) {
  path_record body{};
  body.header = TestHeader(RECORD_PATH, 100, 88);
  wire::RecordBuilder builder(body);
  builder.Tail(&path_record::user_path, "../etc/shadow")
      .Tail(&path_record::other_base, "/home/x")
      .Tail(&path_record::other_user_path, "link");
  const Event event = DecodeOne(builder);
  EXPECT_EQ(event.kind, EventKind::kSymlink);
  EXPECT_EQ(event.path, "/home/x/link");
  EXPECT_EQ(event.other_path, "../etc/shadow");
}

TEST_F(RecordEventsTest, WhatAPathLedToIsTheKernelsWordOrNone) {
  named_path_record body{};
  body.call.header.kind = RECORD_PATH;
  body.call.header.syscall_nr = 264;  // renameat
  body.call.header.flags = RECORD_FLAG_NAMED;
  wire::RecordBuilder<named_path_record> unknown(body);
  unknown.Tail(&named_path_record::call, &path_record::user_path, "link/../old")
      .Tail(&named_path_record::call, &path_record::other_user_path, "/new")
      .Tail(&named_path_record::call, &path_record::base, "/home");
  const Event guess = DecodeOne(unknown);
  EXPECT_TRUE(guess.looked_up);
  EXPECT_TRUE(guess.path_unproven);
  EXPECT_TRUE(guess.other_path_unproven);
  EXPECT_EQ(guess.path, "link/../old") << "as it was passed, and not joined by its letters";
  EXPECT_EQ(guess.other_path, "/new");
  EXPECT_EQ(guess.object.type, ObjectType::kNone);

  body.call.object = Object(OBJECT_FILE, 12);
  wire::RecordBuilder<named_path_record> known(body);
  known.Tail(&named_path_record::call, &path_record::user_path, "link/../old")
      .Tail(&named_path_record::call, &path_record::path, "/jail/real/old")
      .Tail(&named_path_record::other_path, "/jail/new");
  const Event told = DecodeOne(known);
  EXPECT_FALSE(told.path_unproven);
  EXPECT_FALSE(told.other_path_unproven);
  EXPECT_EQ(told.path, "/jail/real/old");
  EXPECT_EQ(told.user_path, "link/../old");
  EXPECT_EQ(told.other_path, "/jail/new");
  EXPECT_EQ(told.object.inode, 12U);
}

TEST_F(RecordEventsTest, WhatARenameReplacedIsTheKernelsWord) {
  replacing_path_record body{};
  body.header.kind = RECORD_PATH;
  body.header.syscall_nr = 82;  // rename
  body.header.flags = RECORD_FLAG_NAMED | RECORD_FLAG_REPLACES;
  EXPECT_TRUE(DecodeOne(body).other_looked_up);
  EXPECT_EQ(DecodeOne(body).other_object.type, ObjectType::kNone) << "there was nothing";
  body.replaced = Object(OBJECT_FILE, 13);
  EXPECT_EQ(DecodeOne(body).other_object.inode, 13U);
  body.header.result = -1;
  EXPECT_EQ(DecodeOne(body).other_object.type, ObjectType::kNone) << "it was not replaced";
  body.header.result = 0;
  body.header.flags = RECORD_FLAG_NAMED;
  EXPECT_FALSE(DecodeOne(body).other_looked_up) << "nobody looked";
}

TEST_F(RecordEventsTest, ALookMovedNothingAndACutDatagramSaysSo) {
  io_record body{};
  body.header.kind = RECORD_IO;
  body.header.syscall_nr = 45;  // recvfrom
  body.header.result = 1000;
  body.direction = IO_IN;
  body.object = Object(OBJECT_SOCKET, 5);
  body.flags = IO_FLAG_PEEK;
  EXPECT_EQ(DecodeOne(body).size_bytes, 0U);
  EXPECT_EQ(DecodeOne(body).flags, static_cast<std::uint64_t>(MSG_PEEK));
  body.flags = IO_FLAG_CUT;
  EXPECT_EQ(DecodeOne(body).size_bytes, 1000U);
  EXPECT_EQ(DecodeOne(body).flags, static_cast<std::uint64_t>(MSG_TRUNC));
}

TEST_F(RecordEventsTest, AttributesMountsAndNamesSayWhatWasSet) {
  named_path_record body{};
  body.call.header.kind = RECORD_PATH;
  body.call.header.flags = RECORD_FLAG_NAMED;
  body.call.header.syscall_nr = 280;  // utimensat
  EXPECT_EQ(DecodeOne(body).other_path, "times");
  EXPECT_EQ(DecodeOne(body).kind, EventKind::kSetAttribute);
  body.call.header.syscall_nr = 16;  // ioctl
  EXPECT_EQ(DecodeOne(body).other_path, "flags");
  body.call.header.syscall_nr = 166;  // umount2
  EXPECT_EQ(DecodeOne(body).kind, EventKind::kMount);
  EXPECT_EQ(DecodeOne(body).syscall, "umount2");
  name_record name{};
  name.header.kind = RECORD_NAME;
  std::copy_n("[kworker/0:1]", 13, name.command);
  EXPECT_EQ(DecodeOne(name).command, "[kworker/0:1]");
}

TEST_F(RecordEventsTest, EveryPathCallHasItsKind) {
  const std::pair<std::uint16_t, EventKind> calls[] = {
      {87, EventKind::kUnlink},   {84, EventKind::kUnlink}, {82, EventKind::kRename},
      {86, EventKind::kLink},     {91, EventKind::kChmod},  {93, EventKind::kChown},
      {77, EventKind::kTruncate}, {258, EventKind::kMkdir}, {133, EventKind::kMknod},
      {80, EventKind::kChdir},    {161, EventKind::kChdir}};
  for (const auto& [syscall_nr, kind] : calls) {
    path_record body{};
    body.header = TestHeader(RECORD_PATH, 100, syscall_nr);
    body.value = 0640;
    body.fd = -1;
    wire::RecordBuilder builder(body);
    builder.Tail(&path_record::user_path, "/x");
    const Event event = DecodeOne(builder);
    EXPECT_EQ(event.kind, kind) << syscall_nr;
    EXPECT_EQ(event.path, "/x");
    EXPECT_EQ(event.value, 0640U);
    EXPECT_EQ(event.flags, syscall_nr == 84 ? AT_REMOVEDIR : 0U);
    EXPECT_EQ(event.syscall, kind != EventKind::kChdir ? ""
                             : syscall_nr == 161       ? "chroot"
                                                       : "chdir");
  }
}

TEST_F(RecordEventsTest, PairsNameBothEnds) {
  pair_record body{};
  body.header = TestHeader(RECORD_PAIR, 100, 293);
  body.object[0] = Object(OBJECT_PIPE, 11);
  body.object[1] = Object(OBJECT_PIPE, 11);
  body.fd[0] = 3;
  body.fd[1] = 4;
  Event event = DecodeOne(body);
  EXPECT_EQ(event.kind, EventKind::kPipe);
  EXPECT_EQ(event.fd, 3);
  EXPECT_EQ(event.other_fd, 4);
  EXPECT_EQ(event.other_object.inode, 11U);
  body.header = TestHeader(RECORD_PAIR, 100, 53, -EMFILE);
  event = DecodeOne(body);
  EXPECT_EQ(event.kind, EventKind::kSocketpair);
  EXPECT_EQ(event.fd, -1);
}

TEST_F(RecordEventsTest, AcceptNamesTheNewSocketAndItsListener) {
  socket_record body{};
  body.header = TestHeader(RECORD_SOCKET, 100, 288, 7);
  body.object = Object(OBJECT_SOCKET, 11);
  body.listener = Object(OBJECT_SOCKET, 10);
  body.fd = 3;
  body.socket.netns = 77;
  body.socket.family = AF_INET;
  body.socket.type = SOCK_STREAM;
  body.socket.protocol = 6;
  body.socket.state = 1;
  body.socket.local_port = 80;
  body.socket.remote_port = 40000;
  inet_pton(AF_INET, "10.0.0.1", body.socket.local_address);
  inet_pton(AF_INET, "10.0.0.2", body.socket.remote_address);
  const Event event = DecodeOne(body);
  EXPECT_EQ(event.kind, EventKind::kAccept);
  EXPECT_EQ(event.fd, 7);
  EXPECT_EQ(event.other_fd, 3);
  EXPECT_EQ(event.object.inode, 11U);
  EXPECT_EQ(event.other_object.inode, 10U);
  event::SocketInfo expected;
  expected.netns = 77;
  expected.family = "inet";
  expected.type = "stream";
  expected.protocol = 6;
  expected.local_ip = "10.0.0.1";
  expected.remote_ip = "10.0.0.2";
  expected.local_port = 80;
  expected.remote_port = 40000;
  expected.state = "established";
  EXPECT_EQ(event.socket, expected);
}

TEST_F(RecordEventsTest, SocketAddressesAreWrittenAsPeopleReadThem) {
  socket_record body{};
  body.header = TestHeader(RECORD_SOCKET, 100, 42, -EINPROGRESS);
  body.socket.family = AF_INET6;
  body.socket.type = SOCK_DGRAM;
  body.socket.remote_port = 53;
  inet_pton(AF_INET6, "::ffff:10.0.0.2", body.socket.remote_address);
  Event event = DecodeOne(body);
  EXPECT_EQ(event.kind, EventKind::kConnect);
  EXPECT_EQ(event.result, -EINPROGRESS);
  EXPECT_EQ(event.socket->remote_ip, "10.0.0.2");
  EXPECT_EQ(event.socket->local_ip, "");
  inet_pton(AF_INET6, "fe80::1", body.socket.remote_address);
  body.socket.local_port = 1;
  event = DecodeOne(body);
  EXPECT_EQ(event.socket->remote_ip, "fe80::1");
  EXPECT_EQ(event.socket->local_ip, "::");
  body.socket.family = 40;
  EXPECT_EQ(DecodeOne(body).socket->family, "40");
}

TEST_F(RecordEventsTest, ListenAndShutdownCarryTheirArgument) {
  socket_record body{};
  body.header = TestHeader(RECORD_SOCKET, 100, 50);
  body.fd = 3;
  body.argument = 128;
  Event event = DecodeOne(body);
  EXPECT_EQ(event.kind, EventKind::kListen);
  EXPECT_EQ(event.value, 128U);
  EXPECT_EQ(event.fd, 3);
  body.header.syscall_nr = 48;
  body.argument = SHUT_WR;
  event = DecodeOne(body);
  EXPECT_EQ(event.kind, EventKind::kShutdown);
  EXPECT_EQ(event.value, static_cast<std::uint64_t>(SHUT_WR));
}

TEST_F(RecordEventsTest, TransferIsAReadAndAWrite) {
  transfer_record body{};
  body.header = TestHeader(RECORD_TRANSFER, 100, 40, 4096);
  body.source = Object(OBJECT_FILE, 11);
  body.target = Object(OBJECT_SOCKET, 12);
  body.source_fd = 3;
  body.target_fd = 4;
  const std::vector<Event> events = Decode(wire::RecordBuilder(body).Build());
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].kind, EventKind::kRead);
  EXPECT_EQ(events[0].object.inode, 11U);
  EXPECT_EQ(events[0].fd, 3);
  EXPECT_EQ(events[1].kind, EventKind::kWrite);
  EXPECT_EQ(events[1].object.type, ObjectType::kSocket);
  EXPECT_EQ(events[1].fd, 4);
  EXPECT_EQ(events[1].size_bytes, 4096U);
}

TEST_F(RecordEventsTest, SignalNamesATargetOnlyWhenItIsOneProcess) {
  signal_record body{};
  body.header = TestHeader(RECORD_SIGNAL, 100, 62);
  body.target_pid = 300;
  body.target_start_boot_ns = 70;
  body.argument = 9;
  Event event = DecodeOne(body);
  EXPECT_EQ(event.kind, EventKind::kSignal);
  EXPECT_EQ(event.syscall, "kill");
  EXPECT_EQ(event.value, 9U);
  EXPECT_EQ(event.other_process, (event::ProcessKey{.pid = 300, .start_boot_ns = 70}));
  body.target_start_boot_ns = 0;
  body.target_pid = -1;
  EXPECT_FALSE(DecodeOne(body).other_process);
}

TEST_F(RecordEventsTest, TerminalChangeAndSession) {
  terminal_record terminal{};
  terminal.header = TestHeader(RECORD_TERMINAL, 100, 16);
  terminal.object = Object(OBJECT_PTY, 5);
  terminal.request = 0x5414;
  terminal.terminal = {
      .rows = 30, .columns = 90, .flags = TERMINAL_KNOWN | TERMINAL_ECHO, .pad = 0};
  Event event = DecodeOne(terminal);
  EXPECT_EQ(event.kind, EventKind::kWindowSize);
  EXPECT_EQ(event.terminal->rows, 30U);
  EXPECT_TRUE(event.terminal->echo);
  id_record id{};
  id.header = TestHeader(RECORD_SESSION, 100, 112, 100);
  id.session_id = 100;
  event = DecodeOne(id);
  EXPECT_EQ(event.kind, EventKind::kSetsid);
  EXPECT_EQ(event.value, 100U);
  id.header.syscall_nr = 109;  // setpgid
  EXPECT_THAT(Decode(wire::RecordBuilder(id).Build()), IsEmpty());
}

TEST_F(RecordEventsTest, BaselineProcessSaysWhoItIs) {
  process_record body{};
  body.header = TestHeader(RECORD_PROCESS, 100);
  body.header.flags = RECORD_FLAG_BASELINE;
  body.parent_pid = 1;
  body.parent_start_boot_ns = 2;
  body.session_id = 60;
  body.object = Object(OBJECT_FILE, 11);
  body.credentials.uid = 33;
  std::memcpy(body.command, "0123456789abcdef", 16);
  wire::RecordBuilder builder(body);
  builder.Tail(&process_record::path, "/usr/sbin/nginx")
      .Tail(&process_record::arguments, std::string_view("nginx\0-g\0", 9))
      .Tail(&process_record::working_directory, "/");
  const Event event = DecodeOne(builder);
  EXPECT_EQ(event.kind, EventKind::kProcess);
  EXPECT_TRUE(event.baseline);
  EXPECT_EQ(event.parent_process, (event::ProcessKey{.pid = 1, .start_boot_ns = 2}));
  EXPECT_EQ(event.path, "/usr/sbin/nginx");
  EXPECT_THAT(event.arguments, ElementsAre("nginx", "-g"));
  EXPECT_EQ(event.credentials->uid, 33U);
  EXPECT_EQ(event.command, "0123456789abcdef");
  EXPECT_EQ(event.session_id, 60U);
}

TEST_F(RecordEventsTest, RefusesRecordsThatDoNotAddUp) {
  const std::vector<std::byte> header_only =
      wire::RecordBuilder(TestHeader(RECORD_OPEN, 100)).Build();
  EXPECT_THAT(ErrorOf(header_only), testing::HasSubstr("shorter than its kind"));

  open_record body{};
  body.header = TestHeader(RECORD_OPEN, 100, 257, 3);
  body.path = {.offset_bytes = 65000, .length_bytes = 1000, .status = TAIL_WHOLE, .pad = 0};
  EXPECT_THAT(ErrorOf(wire::RecordBuilder(body).Build()), testing::HasSubstr("tail"));
  body.path = {.offset_bytes = 0, .length_bytes = 8, .status = TAIL_WHOLE, .pad = 0};
  EXPECT_THAT(ErrorOf(wire::RecordBuilder(body).Build()), testing::HasSubstr("tail"));
  body.path = {};
  body.object.type = 99;
  EXPECT_THAT(ErrorOf(wire::RecordBuilder(body).Build()), testing::HasSubstr("object"));

  path_record path{};
  path.header = TestHeader(RECORD_PATH, 100, 0);
  EXPECT_THAT(ErrorOf(wire::RecordBuilder(path).Build()), testing::HasSubstr("call"));
  io_record io{};
  io.header = TestHeader(RECORD_IO, 100, 0);
  EXPECT_THAT(ErrorOf(wire::RecordBuilder(io).Build()), testing::HasSubstr("direction"));
}

TEST(AbsolutePath, FollowsTheLettersOnly) {
  EXPECT_EQ(AbsolutePath("/a/b", "c"), "/a/b/c");
  EXPECT_EQ(AbsolutePath("/a/b", "../c/./d//e/"), "/a/c/d/e");
  EXPECT_EQ(AbsolutePath("/a", "../../.."), "/");
  EXPECT_EQ(AbsolutePath("/a", "/x/../y"), "/y");
  EXPECT_EQ(AbsolutePath("", "x"), "x");
  EXPECT_EQ(AbsolutePath("/a", ""), "");
}

}  // namespace
}  // namespace spoor::ingest
