// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gmock/gmock.h>

#include "base/time.hpp"
#include "event/unknown_user.hpp"
#include "importers/reading_for_tests.hpp"
#include "importers/sysdig/sysdig_line.hpp"

namespace spoor::importers {
namespace {

using event::EventKind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

const std::string kSession =
    "1 23:59:58.100000000 0 sshd (100) < clone res=200(sshd) exe=/usr/sbin/sshd args=-D. "
    "tid=100(sshd) pid=100(sshd) ptid=1(systemd) cwd= fdlimit=1024 flags=0\n"
    "2 23:59:58.200000000 0 bash (200) < execve res=0 exe=bash args=-c.id. tid=200(bash) "
    "pid=200(bash) ptid=100(sshd) cwd=/root fdlimit=1024 comm=bash cgroups=a=/b env=A=b. uid=0\n"
    "3 23:59:59.300000000 1 bash (200) < openat fd=3(<f>/etc/passwd) dirfd=-100(AT_FDCWD) "
    "name=passwd(/etc/passwd) flags=4097(O_RDONLY|O_CLOEXEC) mode=0\n"
    "4 00:00:00.400000000 1 my (odd) name (200) < connect res=0 "
    "tuple=10.0.0.1:4000->10.0.0.2:80 fd=4(<4t>10.0.0.1:4000->10.0.0.2:80)\n"
    "5 00:00:00.500000000 1 bash (200) > read fd=3(<f>/etc/passwd) size=1024\n"
    "6 00:00:00.600000000 1 bash (200) > procexit status=256 ret=1\n";

const ImportOptions kDated{.host = "h",
                           .time = {.day_wall_ns = ParseIsoTime("2024-01-02T00:00:00", {})}};

TEST(SysdigReader, MakesEventsOfCalls) {
  EXPECT_EQ(DetectImporterKind(kSession)->name, "sysdig");
  for (const std::size_t part : {1U, 7U, 10000U}) {
    const Reading reading = ReadAs("sysdig", kSession, kDated, part);
    EXPECT_EQ(reading.error, "");
    EXPECT_EQ(reading.counts.malformed_count, 0);
    std::vector<EventKind> kinds;
    for (const event::Event& event : reading.findings.events) kinds.push_back(event.kind);
    ASSERT_THAT(kinds, ElementsAre(EventKind::kProcess, EventKind::kFork, EventKind::kExec,
                                   EventKind::kOpen, EventKind::kConnect, EventKind::kExit));
    const auto& events = reading.findings.events;
    EXPECT_EQ(events[1].other_process->pid, 200);
    EXPECT_EQ(events[2].process, *events[1].other_process);
    EXPECT_EQ(events[2].working_directory, "/root");
    EXPECT_THAT(events[2].arguments, ElementsAre("bash", "-c.id"));
    EXPECT_EQ(events[2].uid, 0);
    EXPECT_EQ(events[3].uid, event::kUnknownUser);
    EXPECT_EQ(events[3].path, "/etc/passwd");
    EXPECT_EQ(events[3].flags, static_cast<std::uint64_t>(O_CLOEXEC));
    EXPECT_EQ(events[4].socket->local_port, 4000);
    EXPECT_EQ(events[4].socket->remote_ip, "10.0.0.2");
    EXPECT_EQ(events[5].exit_code, 256);
    ASSERT_THAT(reading.findings.log_lines, SizeIs(1));
    EXPECT_EQ(reading.findings.log_lines[0].source, "sysdig read");
  }
}

TEST(SysdigReader, GoesOnWithTheNextDayAtMidnight) {
  const Reading reading = ReadAs("sysdig", kSession, kDated);
  EXPECT_EQ(FormatWallTime(reading.findings.events.at(2).wall_ns),
            "2024-01-02T23:59:58.200000000Z");
  EXPECT_EQ(FormatWallTime(reading.findings.events.at(4).wall_ns),
            "2024-01-03T00:00:00.400000000Z");
}

TEST(SysdigReader, AsksForTheDayWhereTimesHaveNone) {
  EXPECT_THAT(ReadAs("sysdig", kSession).error, HasSubstr("--date"));
  const std::string dated =
      "7 2024-01-02 03:04:05.000000001 0 bash (200.201) > futex addr=7F\n"
      "8 1704164645.000000002 0 bash (200:5) > futex addr=7F\n";
  const Reading reading = ReadAs("sysdig", dated);
  EXPECT_EQ(reading.error, "");
  ASSERT_THAT(reading.findings.log_lines, SizeIs(2));
  EXPECT_EQ(reading.findings.log_lines[0].wall_ns, 1704164645000000001);
  EXPECT_THAT(reading.findings.log_lines[0].message, HasSubstr("pid=200 tid=201"));
  EXPECT_EQ(reading.findings.log_lines[1].wall_ns, 1704164645000000002);
}

TEST(SysdigReader, TakesAcceptedConnectionsFromWhoCame) {
  const auto socket = ParseSysdigTuple("10.0.0.9:4000->10.0.0.1:22", "4t", true);
  ASSERT_TRUE(socket);
  EXPECT_EQ(socket->local_port, 22);
  EXPECT_EQ(socket->remote_ip, "10.0.0.9");
}

TEST(SysdigReader, CountsWhatIsNoLine) {
  const Reading reading = ReadAs("sysdig", "1 x\n\n2 3.5 0 bash (200) > futex\n", kDated);
  EXPECT_EQ(reading.counts.malformed_count, 2);
}

}  // namespace
}  // namespace spoor::importers
