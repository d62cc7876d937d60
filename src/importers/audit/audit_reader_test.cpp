// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "importers/reading_for_tests.hpp"

namespace spoor::importers {
namespace {

using event::EventKind;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string Line(std::string_view type, std::string_view stamp, std::string_view rest) {
  return fmt::format("type={} msg=audit({}): {}\n", type, stamp, rest);
}

std::string Call(int number, std::string_view stamp, int pid, std::string_view more) {
  return Line("SYSCALL", stamp,
              fmt::format("arch=c000003e syscall={} {} ppid=100 pid={} auid=1000 uid=1000 gid=1000 "
                          "euid=0 suid=0 fsuid=0 egid=1000 sgid=1000 fsgid=1000 tty=pts0 ses=3 "
                          "comm=\"sh\" exe=\"/usr/bin/dash\" key=(null)",
                          number, more, pid));
}

std::string Exec(std::string_view stamp, int pid) {
  return Call(59, stamp, pid, "success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=2") +
         Line("EXECVE", stamp, "argc=3 a0=\"sh\" a1=\"-c\" a2=6964203E202F746D702F78") +
         Line("CWD", stamp, "cwd=\"/root\"") +
         Line("PATH", stamp,
              "item=0 name=\"/bin/sh\" inode=11 dev=08:01 mode=0100755 ouid=0 ogid=0 rdev=00:00 "
              "nametype=NORMAL") +
         Line("PATH", stamp,
              "item=1 name=\"/lib64/ld-linux-x86-64.so.2\" inode=12 dev=08:01 mode=0100755 "
              "nametype=NORMAL") +
         Line("PROCTITLE", stamp, "proctitle=7368002D63") + Line("EOE", stamp, "");
}

std::vector<EventKind> KindsOf(const Reading& reading) {
  std::vector<EventKind> kinds;
  for (const event::Event& event : reading.findings.events) kinds.push_back(event.kind);
  return kinds;
}

TEST(AuditReader, JoinsTheRecordsOfAnExec) {
  const Reading reading = ReadAs("auditd", Exec("1700000000.125:7", 200));
  EXPECT_THAT(KindsOf(reading), ElementsAre(EventKind::kProcess, EventKind::kExec));
  const event::Event& exec = reading.findings.events.at(1);
  EXPECT_EQ(exec.wall_ns, 1700000000125000000);
  EXPECT_EQ(exec.process.pid, 200);
  EXPECT_EQ(exec.path, "/usr/bin/dash");
  EXPECT_EQ(exec.user_path, "/bin/sh");
  EXPECT_EQ(exec.object.inode, 11);
  EXPECT_EQ(exec.object.device, 8u << 20 | 1);
  EXPECT_EQ(exec.mode, 0100755);
  EXPECT_THAT(exec.arguments, ElementsAre("sh", "-c", "id > /tmp/x"));
  EXPECT_FALSE(exec.arguments_truncated);
  EXPECT_EQ(exec.working_directory, "/root");
  EXPECT_EQ(exec.credentials->uid, 1000);
  EXPECT_EQ(exec.credentials->euid, 0);
}

TEST(AuditReader, TellsAProcessWhoseForkNobodyLoggedWithItsParent) {
  const Reading reading = ReadAs("auditd", Exec("1700000000.125:7", 200));
  const event::Event& found = reading.findings.events.at(0);
  EXPECT_TRUE(found.baseline);
  ASSERT_TRUE(found.parent_process);
  EXPECT_EQ(found.parent_process->pid, 100);
}

TEST(AuditReader, KeepsTheRecordsOfEventsApartWhateverTheirOrder) {
  const std::string one = Exec("1700000000.125:7", 200), two = Exec("1700000000.125:8", 201);
  std::vector<std::string> lines;
  for (const std::string& text : {one, two}) {
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = text.find('\n', begin) + 1;
      lines.push_back(text.substr(begin, end - begin));
      begin = end;
    }
  }
  std::reverse(lines.begin(), lines.end());
  std::string mixed;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    mixed += lines[(i * 5) % lines.size()];  // 14 lines: each once
  }
  const Reading ordered = ReadAs("auditd", one + two), reading = ReadAs("auditd", mixed);
  ASSERT_THAT(reading.findings.events, SizeIs(4));
  EXPECT_EQ(reading.findings.events[1].arguments, ordered.findings.events[1].arguments);
  EXPECT_EQ(reading.findings.events[3].process.pid, 201);
  EXPECT_EQ(reading.findings.events[3].object.inode, 11);
}

TEST(AuditReader, StatesSerialsThatAreMissing) {
  const Reading reading =
      ReadAs("auditd", Exec("1700000000.1:7", 200) + Exec("1700000001.1:11", 201) +
                           Exec("1700000001.1:9", 202));
  std::vector<std::string> reasons;
  for (const event::Event& event : reading.findings.events) {
    if (event.loss) reasons.push_back(event.loss->reason);
  }
  EXPECT_THAT(reasons, ElementsAre("audit serials 8 to 8 are not in the log",
                                   "audit serials 10 to 10 are not in the log"));
}

TEST(AuditReader, TakesSerialsThatBeginAgainForAnotherBoot) {
  const Reading reading =
      ReadAs("auditd", Exec("1700000000.1:90000", 200) + Exec("1700000900.1:12", 201));
  for (const event::Event& event : reading.findings.events) EXPECT_FALSE(event.loss);
}

TEST(AuditReader, FollowsForksAndEnds) {
  const std::string text =
      Call(57, "1700000000.1:1", 200, "success=yes exit=300 a0=0 a1=0 a2=0 a3=0") +
      Exec("1700000003.1:2", 300) + Call(231, "1700000006.1:3", 300, "a0=3 a1=0 a2=0 a3=0") +
      Exec("1700000009.1:4", 300);
  const Reading reading = ReadAs("auditd", text);
  EXPECT_THAT(KindsOf(reading),
              ElementsAre(EventKind::kProcess, EventKind::kFork, EventKind::kExec, EventKind::kExit,
                          EventKind::kProcess, EventKind::kExec));
  const auto& events = reading.findings.events;
  EXPECT_EQ(events[1].other_process, events[2].process);
  EXPECT_EQ(events[3].exit_code, 3 << 8);
  EXPECT_NE(events[2].process, events[5].process);
}

TEST(AuditReader, LeavesThreadsOut) {
  const Reading reading = ReadAs(
      "auditd", Call(56, "1700000000.1:1", 200, "success=yes exit=201 a0=3d0f00 a1=0 a2=0 a3=0"));
  EXPECT_THAT(KindsOf(reading), ElementsAre(EventKind::kProcess));
}

TEST(AuditReader, TakesAConnectionWithItsEnd) {
  const std::string stamp = "1700000000.1:1";
  const Reading reading =
      ReadAs("auditd", Call(42, stamp, 200, "success=no exit=-115 a0=5 a1=0 a2=10 a3=0") +
                           Line("SOCKADDR", stamp, "saddr=020001BB5DB8D8220000000000000000"));
  ASSERT_THAT(reading.findings.events, SizeIs(2));
  const event::Event& connect = reading.findings.events[1];
  EXPECT_EQ(connect.kind, EventKind::kConnect);
  EXPECT_EQ(connect.fd, 5);
  EXPECT_EQ(connect.result, -115);
  EXPECT_EQ(connect.socket->remote_ip, "93.184.216.34");
  EXPECT_EQ(connect.socket->remote_port, 443);
}

TEST(AuditReader, TakesNamesAsTheyWereUsed) {
  const std::string stamp = "1700000000.1:1";
  const Reading reading = ReadAs(
      "auditd",
      Call(82, stamp, 200, "success=yes exit=0 a0=0 a1=0 a2=0 a3=0 items=4") +
          Line("CWD", stamp, "cwd=\"/srv\"") +
          Line("PATH", stamp,
               "item=0 name=\"/srv\" inode=1 dev=08:01 mode=040755 nametype=PARENT") +
          Line("PATH", stamp,
               "item=1 name=\"/srv\" inode=1 dev=08:01 mode=040755 nametype=PARENT") +
          Line("PATH", stamp, "item=2 name=\"a\" inode=5 dev=08:01 mode=0100644 nametype=DELETE") +
          Line("PATH", stamp,
               "item=3 name=\"./b\" inode=5 dev=08:01 mode=0100644 nametype=CREATE"));
  const event::Event& rename = reading.findings.events.at(1);
  EXPECT_EQ(rename.kind, EventKind::kRename);
  EXPECT_EQ(rename.path, "/srv/a");
  EXPECT_EQ(rename.other_path, "/srv/b");
  EXPECT_EQ(rename.object.inode, 5);
}

TEST(AuditReader, KeepsWhatProgramsReportAsLines) {
  const Reading reading = ReadAs(
      "auditd", Line("USER_AUTH", "1700000000.1:1",
                     "pid=5 uid=0 auid=1 ses=1 msg='op=PAM:authentication acct=\"root\" "
                     "exe=\"/usr/sbin/sshd\" "
                     "hostname=10.0.0.9 addr=10.0.0.9 terminal=ssh res=failed'") +
                    Call(165, "1700000000.1:2", 7, "success=yes exit=0 a0=0 a1=0 a2=0 a3=0") +
                    Call(999, "1700000000.1:3", 7, "success=yes exit=0 a0=0 a1=0 a2=0 a3=0"));
  ASSERT_THAT(reading.findings.log_lines, SizeIs(3));
  EXPECT_EQ(reading.findings.log_lines[0].source, "audit USER_AUTH");
  EXPECT_EQ(reading.findings.log_lines[0].program, "sshd");
  EXPECT_THAT(reading.findings.log_lines[0].message, HasSubstr("res=failed"));
  EXPECT_THAT(reading.findings.log_lines[2].message, HasSubstr("syscall=999"));
}

TEST(AuditReader, ReadsEnrichedRecordsAndThoseInSyslog) {
  const std::string enriched =
      "node=web1 type=SYSCALL msg=audit(1700000000.1:1): arch=c00000b7 syscall=221 success=yes "
      "exit=0 "
      "a0=0 a1=0 a2=0 a3=0 ppid=1 pid=9 uid=33 euid=33 comm=\"id\" exe=\"/usr/bin/id\"\x1d"
      "ARCH=aarch64 SYSCALL=execve AUID=\"unset\" UID=\"www-data\"\n";
  const std::string syslog =
      "Nov 26 22:17:44 web1 audispd: " + enriched.substr(0, enriched.find('\x1d')) + "\n";
  const std::string kernel =
      "Nov 26 22:17:44 web1 kernel: [12.5] audit: type=1400 audit(1700000000.1:1): "
      "apparmor=\"DENIED\" comm=\"x\"\n";
  for (const std::string& text : {enriched, syslog}) {
    const Reading reading = ReadAs("auditd", text);
    ASSERT_THAT(reading.findings.events, SizeIs(2)) << text;
    EXPECT_EQ(reading.findings.events[1].host, "web1");
    EXPECT_EQ(reading.findings.events[1].path, "/usr/bin/id");
    EXPECT_EQ(reading.findings.events[1].credentials->uid, 33);
  }
  EXPECT_EQ(ReadAs("auditd", kernel).findings.log_lines.at(0).source, "audit AVC");
}

TEST(AuditReader, ReadsEventsOfAuditbeatAndLaurel) {
  const std::string auditbeat =
      R"({"@timestamp":"2023-11-14T22:13:20.100Z","process":{"pid":"9","ppid":"1","name":"id",)"
      R"("exe":"/usr/bin/id","cwd":"/","args":["id","-u"]},"user":{"uid":"33","euid":"33"},)"
      R"("auditd":{"sequence":1,"result":"success","data":{"syscall":"execve","exit":"0","a0":"1"},)"
      R"("paths":[{"item":"0","name":"/usr/bin/id","inode":"7","dev":"08:02","mode":"0100755",)"
      R"("nametype":"NORMAL"}]}})";
  const std::string laurel =
      R"({"ID":"1700000000.100:1","SYSCALL":{"arch":"0xc000003e","syscall":59,"success":"yes",)"
      R"("exit":0,"ppid":1,"pid":9,"uid":33,"euid":33,"comm":"id","exe":"/usr/bin/id",)"
      R"("SYSCALL":"execve"},"EXECVE":{"argc":2,"ARGV":["id","-u"]},"CWD":{"cwd":"/"},)"
      R"("PATH":[{"item":0,"name":"/usr/bin/id","inode":7,"dev":"08:02","mode":"0o100755",)"
      R"("nametype":"NORMAL"}]})";
  for (const std::string& text : {auditbeat, laurel}) {
    EXPECT_EQ(DetectImporterKind(text)->name, "auditd");
    const Reading reading = ReadAs("auditd", text);
    ASSERT_THAT(reading.findings.events, SizeIs(2)) << text;
    const event::Event& exec = reading.findings.events[1];
    EXPECT_EQ(exec.kind, EventKind::kExec);
    EXPECT_EQ(exec.wall_ns, 1700000000100000000);
    EXPECT_THAT(exec.arguments, ElementsAre("id", "-u"));
    EXPECT_EQ(exec.object.inode, 7);
    EXPECT_EQ(exec.mode, 0100755);
    EXPECT_EQ(exec.uid, 33);
  }
}

TEST(AuditReader, ReadsWhatMicrosoftsCollectorJoined) {
  const std::string fields =
      R"("node":"web1","syscall":"execve","success":"yes","exit":"0","a0":"55","ppid":"1","pid":"9",)"
      R"("uid":"33","euid":"33","comm":"id","exe":"/usr/bin/id","cwd":"/","name":"/usr/bin/id",)"
      R"("inode":"7","dev":"08:02","path_name":"[\"/usr/bin/id\",\"/lib/ld.so\"]",)"
      R"("path_nametype":"[\"NORMAL\",\"NORMAL\"]","path_mode":"[\"0100755\",\"0100755\"]",)"
      R"("cmdline":"id -u \"a b\"")";
  const std::string listed =
      R"([1700000000.100,{"Timestamp":"1700000000.100","SerialNumber":1,"records":[)"
      R"({"RecordTypeCode":14688,"RecordType":"AUOMS_EXECVE",)" +
      fields + "}]}]";
  const std::string flat =
      R"(["LINUX_AUDITD_BLOB",["TIMESTAMP",{"Timestamp":"2023-11-14T22:13:20.100Z",)"
      R"("SerialNumber":"1","RecordType":"AUOMS_EXECVE",)" +
      fields + "}]]";
  for (const std::string& text : {listed, flat}) {
    EXPECT_EQ(DetectImporterKind(text)->name, "auditd") << text;
    const Reading reading = ReadAs("auditd", text);
    ASSERT_THAT(reading.findings.events, SizeIs(2)) << text;
    const event::Event& exec = reading.findings.events[1];
    EXPECT_EQ(exec.host, "web1");
    EXPECT_EQ(exec.wall_ns, 1700000000100000000);
    EXPECT_THAT(exec.arguments, ElementsAre("id", "-u", "a b"));
    EXPECT_EQ(exec.object.inode, 7);
    EXPECT_EQ(exec.uid, 33);
  }
}

TEST(AuditReader, ReadsTheKernelsOwnLogAndWhatGoAuditJoined) {
  const std::string call =
      "arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=0 ppid=100 pid=200 "
      "auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=8 "
      "comm=\"id\" exe=\"/usr/bin/id\" key=(null)";
  const std::string kernel =
      fmt::format("[ 1234.567890] audit: type=1300 audit(1700000000.125:7): {}\n", call) +
      "[ 1234.567891] audit: type=1309 audit(1700000000.125:7): argc=2 a0=\"id\" a1=\"-u\"\n";
  std::string quoted;
  for (const char c : call) quoted += c == '"' ? std::string("\\\"") : std::string(1, c);
  const std::string go =
      fmt::format(
          R"({{"sequence":7,"timestamp":"1700000000.125","messages":[{{"type":1300,"data":"{}"}},)"
          R"({{"type":1309,"data":"argc=2 a0=\"id\" a1=\"-u\""}}],"uid_map":{{"0":"root"}}}})",
          quoted) +
      "\n";
  for (const std::string& text : {kernel, go}) {
    ASSERT_NE(DetectImporterKind(text), nullptr) << text;
    EXPECT_EQ(DetectImporterKind(text)->name, "auditd");
    const Reading reading = ReadAs("auditd", text);
    EXPECT_EQ(reading.counts.malformed_count, 0) << text;
    ASSERT_THAT(KindsOf(reading), ElementsAre(EventKind::kProcess, EventKind::kExec)) << text;
    EXPECT_EQ(reading.findings.events[1].wall_ns, 1700000000125000000);
    EXPECT_THAT(reading.findings.events[1].arguments, ElementsAre("id", "-u"));
  }
  EXPECT_EQ(ReadAs("auditd", R"({"sequence":7,"timestamp":"x","messages":[{"type":1300}]})")
                .counts.malformed_count,
            1);
}

TEST(AuditReader, CountsWhatIsNoRecord) {
  const Reading reading =
      ReadAs("auditd",
             "garbage\ntype=SYSCALL msg=audit(x:1): a=b\ntype=SYSCALL msg=audit(1.1\n{\"a\":}\n");
  EXPECT_THAT(reading.findings.events, IsEmpty());
  EXPECT_EQ(reading.counts.malformed_count, 4);
}

}  // namespace
}  // namespace spoor::importers
