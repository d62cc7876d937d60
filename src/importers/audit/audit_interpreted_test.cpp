// SPDX-License-Identifier: Apache-2.0
#include "importers/audit/audit_interpreted.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>

#include "event/unknown_user.hpp"
#include "importers/reading_for_tests.hpp"

namespace spoor::importers {
namespace {

using event::EventKind;
using testing::ElementsAre;
using testing::SizeIs;

std::string Record(std::string_view type, int serial, std::string_view rest) {
  return fmt::format("type={} msg=audit(01/02/24 03:04:0{}.100:{}) : {} \n", type, serial, serial,
                     rest);
}
std::string Call(int serial, std::string_view call, std::string_view more) {
  return Record("SYSCALL", serial,
                fmt::format("arch=x86_64 syscall={} {} ppid=100 pid=200 auid=unset uid=www-data "
                            "gid=www-data euid=root suid=root fsuid=root egid=adm sgid=adm "
                            "fsgid=adm tty=pts0 ses=3 comm=ba sh exe=/usr/bin/id key=(null)",
                            call, more));
}

const std::string kText =
    "----\n" + Record("PROCTITLE", 1, "proctitle=sh -c a b") +
    Record("PATH", 1,
           "item=0 name=/usr/bin/a b inode=11 dev=08:01 mode=file,suid,755 ouid=root ogid=root "
           "rdev=00:00 nametype=NORMAL") +
    Record("CWD", 1, "cwd=/root/a b") + Record("EXECVE", 1, "argc=3 a0=sh a1=-c a2=a x=1 b") +
    Call(1, "execve", "success=yes exit=0 a0=0x1 a1=0x2 a2=0x3 a3=0x4 items=1") + "----\n" +
    Record("SOCKADDR", 2, "saddr={ saddr_fam=inet laddr=10.0.0.2 lport=80 }") +
    Call(2, "connect",
         "success=no exit=ECONNREFUSED(Connection refused) a0=0x3 a1=0x7ffd2 a2=0x10 a3=0x4 "
         "items=0") +
    "----\n" +
    Record("PATH", 3,
           "item=0 name=/tmp/x inode=12 dev=08:01 mode=file,644 ouid=www-data ogid=root rdev=00:00 "
           "nametype=CREATE") +
    Record("CWD", 3, "cwd=/root") +
    Call(3, "openat",
         "success=yes exit=3 a0=AT_FDCWD a1=0x7ffd2 a2=O_WRONLY|O_CREAT|O_TRUNC a3=0x1b6 items=1") +
    "----\n" + Record("OBJ_PID", 4, "opid=5 oauid=unset ouid=root oses=-1 ocomm=cron") +
    Call(4, "kill", "success=yes exit=0 a0=0x5 a1=SIGKILL a2=0x3 a3=0x4 items=0") + "----\n" +
    Record("USER_AUTH", 5,
           "pid=5 uid=root auid=unset ses=unset msg='op=PAM:authentication acct=root "
           "exe=/usr/sbin/sshd hostname=1.2.3.4 addr=1.2.3.4 terminal=ssh res=failed'");

TEST(InterpretedAudit, GivesTheEventsOfTheLogThatItWasMadeOf) {
  EXPECT_EQ(DetectImporterKind(kText)->name, "auditd");
  const Reading reading = ReadAs("auditd", kText);
  EXPECT_EQ(reading.counts.malformed_count, 0);
  std::vector<EventKind> kinds;
  for (const event::Event& event : reading.findings.events) kinds.push_back(event.kind);
  ASSERT_THAT(kinds, ElementsAre(EventKind::kProcess, EventKind::kExec, EventKind::kConnect,
                                 EventKind::kOpen, EventKind::kSignal));
  const event::Event& exec = reading.findings.events[1];
  EXPECT_EQ(exec.wall_ns, 1704164641100000000);
  EXPECT_THAT(exec.arguments, ElementsAre("sh", "-c", "a x=1 b"));
  EXPECT_EQ(exec.working_directory, "/root/a b");
  EXPECT_EQ(exec.user_path, "/usr/bin/a b");
  EXPECT_EQ(exec.object.inode, 11);
  EXPECT_EQ(exec.mode, 0104755);
  EXPECT_EQ(exec.command, "ba sh");
  EXPECT_EQ(exec.uid, event::kUnknownUser) << "a name is no number";
  EXPECT_EQ(exec.euid, 0);
  EXPECT_EQ(reading.findings.events[2].result, -111);
  EXPECT_EQ(reading.findings.events[2].socket->remote_ip, "10.0.0.2");
  EXPECT_EQ(reading.findings.events[2].socket->remote_port, 80);
  EXPECT_EQ(reading.findings.events[3].flags,
            static_cast<std::uint64_t>(O_WRONLY | O_CREAT | O_TRUNC));
  EXPECT_EQ(reading.findings.events[3].fd, 3);
  EXPECT_EQ(reading.findings.events[4].value, 9);
  EXPECT_EQ(reading.findings.events[4].other_process->pid, 5);
  ASSERT_THAT(reading.findings.log_lines, SizeIs(1));
  EXPECT_EQ(reading.findings.log_lines[0].program, "sshd");
}

TEST(InterpretedAudit, ReadsTheDatesOfOtherLanguages) {
  const TimeReading east{.year = {}, .utc_offset_ns = 3600'000'000'000};
  EXPECT_EQ(ParseInterpretedTime("01/02/24 03:04:05.100", {}), 1704164645100000000);
  EXPECT_EQ(ParseInterpretedTime("01/02/2024 04:04:05.100", east), 1704164645100000000);
  EXPECT_EQ(ParseInterpretedTime("02.01.2024 03:04:05.100", {}), 1704164645100000000);
  EXPECT_EQ(ParseInterpretedTime("2024-01-02 03:04:05.100", {}), 1704164645100000000);
  EXPECT_EQ(ParseInterpretedTime("13/01/24 00:00:00.000", {}), 1705104000000000000);
  EXPECT_EQ(ParseInterpretedTime("nonsense", {}), std::nullopt);
}

}  // namespace
}  // namespace spoor::importers
