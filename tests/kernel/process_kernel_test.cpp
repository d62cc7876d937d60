// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "tests/kernel/recording.hpp"

namespace spoor::sensor {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

TEST(ProcessRecords, TellForkExecAndExit) {
  START_RECORDING(recording, TreeOptions());
  const pid_t parent = recording.Run([](Facts& facts) {
    const pid_t child = fork();
    if (child == 0) {
      TRIGGER_CHECK(chdir("/tmp") == 0);
      execl("/bin/sh", "sh", "-c", "exit 7", nullptr);
      _exit(1);
    }
    int status = 0;
    TRIGGER_CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7);
    facts.number[0] = child;
    facts.number[1] = static_cast<std::int64_t>(StartTicksOf(getpid()));
    facts.number[2] = getsid(0);
  });
  const auto child = static_cast<pid_t>(recording.facts().number[0]);
  const auto forks = recording.Read(RECORD_FORK, parent);
  ASSERT_THAT(forks, SizeIs(1));
  const auto fork_seen = forks[0].As<fork_record>();
  EXPECT_EQ(fork_seen.child_pid, static_cast<std::uint32_t>(child));
  EXPECT_EQ(fork_seen.child_tid, static_cast<std::uint32_t>(child));
  EXPECT_EQ(fork_seen.parent_pid, static_cast<std::uint32_t>(parent));
  EXPECT_EQ(fork_seen.session_id, recording.facts().number[2]);
  EXPECT_EQ(fork_seen.header.flags & RECORD_FLAG_THREAD, 0u);
  EXPECT_EQ(fork_seen.header.process_start_boot_ns / 10'000'000,
            static_cast<std::uint64_t>(recording.facts().number[1]));
  EXPECT_EQ(fork_seen.parent_start_boot_ns, fork_seen.header.process_start_boot_ns);

  const auto execs = recording.Read(RECORD_EXEC, child);
  ASSERT_THAT(execs, SizeIs(1));
  const auto exec_seen = execs[0].As<exec_record>();
  struct stat shell {};
  ASSERT_EQ(stat("/bin/sh", &shell), 0);
  EXPECT_EQ(exec_seen.header.process_start_boot_ns, fork_seen.child_start_boot_ns);
  EXPECT_EQ(exec_seen.object.inode, shell.st_ino);
  EXPECT_EQ(exec_seen.object.mode, shell.st_mode);
  EXPECT_EQ(exec_seen.object.type, OBJECT_FILE);
  EXPECT_EQ(execs[0].Text(exec_seen.user_path), "/bin/sh");
  char* resolved = realpath("/bin/sh", nullptr);
  EXPECT_EQ(execs[0].Text(exec_seen.path), resolved);
  free(resolved);
  EXPECT_EQ(execs[0].Text(exec_seen.arguments), std::string("sh\0-c\0exit 7\0", 13));
  EXPECT_EQ(execs[0].Text(exec_seen.working_directory), "/tmp");
  EXPECT_EQ(exec_seen.interpreter.status, TAIL_NONE);
  EXPECT_STREQ(reinterpret_cast<const char*>(exec_seen.command), "sh");

  const auto exits = recording.Read(RECORD_EXIT, child);
  ASSERT_THAT(exits, SizeIs(1));
  EXPECT_EQ(exits[0].As<exit_record>().exit_code, 7u << 8);
  EXPECT_EQ(recording.missing_count(), 0u);
}

TEST(ProcessRecords, TellThreadsFromProcesses) {
  START_RECORDING(recording, TreeOptions());
  const pid_t pid = recording.Run([](Facts& facts) {
    std::thread thread([&] {
      facts.number[0] = gettid();
      TRIGGER_CHECK(setpgid(0, 0) == 0);
    });
    thread.join();
  });
  const auto forks = recording.Read(RECORD_FORK, pid);
  ASSERT_THAT(forks, SizeIs(1));
  const auto seen = forks[0].As<fork_record>();
  EXPECT_EQ(seen.header.flags & RECORD_FLAG_THREAD, RECORD_FLAG_THREAD);
  EXPECT_EQ(seen.child_pid, static_cast<std::uint32_t>(pid));
  EXPECT_EQ(seen.child_tid, recording.facts().number[0]);
  EXPECT_EQ(seen.child_start_boot_ns, seen.header.process_start_boot_ns);
  const auto calls = recording.Read(RECORD_SESSION, pid);
  ASSERT_THAT(calls, SizeIs(1));
  EXPECT_EQ(calls[0].header().tid, recording.facts().number[0]);
  EXPECT_EQ(calls[0].As<id_record>().process_group_id, static_cast<std::uint32_t>(pid));
  EXPECT_THAT(recording.Read(RECORD_EXIT, pid), SizeIs(1))
      << "the thread's end is no process's end";
}

TEST(ProcessRecords, FollowVforkAndItsExec) {
  START_RECORDING(recording, TreeOptions());
  recording.Run([](Facts& facts) {
    const pid_t child = vfork();
    if (child == 0) {
      execl("/bin/true", "true", nullptr);
      _exit(1);
    }
    TRIGGER_CHECK(child > 0 && waitpid(child, nullptr, 0) == child);
    facts.number[0] = child;
  });
  const auto child = static_cast<pid_t>(recording.facts().number[0]);
  EXPECT_THAT(recording.Read(RECORD_EXEC, child), SizeIs(1));
  EXPECT_THAT(recording.Read(RECORD_EXIT, child), SizeIs(1));
}

TEST(ProcessRecords, TellTheScriptAndItsInterpreter) {
  START_RECORDING(recording, TreeOptions());
  char script[] = "/tmp/spoor-script-XXXXXX";
  close(mkstemp(script));
  std::ofstream(script) << "#!/bin/sh -e\nexit 0\n";
  ASSERT_EQ(chmod(script, 0755), 0);
  const pid_t pid = recording.Run([&](Facts&) {
    execl(script, "name", "argument", nullptr);
    _exit(1);
  });
  const auto execs = recording.Read(RECORD_EXEC, pid);
  ASSERT_THAT(execs, SizeIs(1));
  const auto seen = execs[0].As<exec_record>();
  EXPECT_EQ(execs[0].Text(seen.user_path), script);
  EXPECT_EQ(execs[0].Text(seen.interpreter), "/bin/sh");
  struct stat shell {};
  ASSERT_EQ(stat("/bin/sh", &shell), 0);
  EXPECT_EQ(seen.object.inode, shell.st_ino);
  const std::string arguments =
      std::string("/bin/sh\0-e\0", 11) + script + std::string("\0argument\0", 10);
  EXPECT_EQ(execs[0].Text(seen.arguments), arguments);
  unlink(script);
}

TEST(ProcessRecords, TellARefusedExec) {
  START_RECORDING(recording, TreeOptions());
  const pid_t pid = recording.Run([](Facts&) {
    execl("/etc/passwd", "passwd", nullptr);
    TRIGGER_CHECK(errno == EACCES);
    execl("/nowhere/at/all", "all", nullptr);
    TRIGGER_CHECK(errno == ENOENT);
  });
  const auto execs = recording.Read(RECORD_EXEC, pid);
  ASSERT_THAT(execs, SizeIs(2));
  EXPECT_EQ(execs[0].header().result, -EACCES);
  EXPECT_EQ(execs[0].Text(execs[0].As<exec_record>().user_path), "/etc/passwd");
  EXPECT_EQ(execs[1].header().result, -ENOENT);
  EXPECT_EQ(execs[1].Text(execs[1].As<exec_record>().user_path), "/nowhere/at/all");
}

TEST(ProcessRecords, TellArgumentsAboveTheLimitAsTruncated) {
  START_RECORDING(recording, TreeOptions());
  const std::string longest(20'000, 'a');
  const pid_t pid = recording.Run([&](Facts&) {
    execl("/bin/true", "true", longest.c_str(), nullptr);
    _exit(1);
  });
  const auto execs = recording.Read(RECORD_EXEC, pid);
  ASSERT_THAT(execs, SizeIs(1));
  const auto seen = execs[0].As<exec_record>();
  EXPECT_EQ(seen.arguments.status, TAIL_TRUNCATED);
  EXPECT_EQ(execs[0].Text(seen.arguments), (std::string("true\0", 5) + longest).substr(0, 8192));
}

TEST(ProcessRecords, TellWhatASetuidProgramMakesOfItsCaller) {
  START_RECORDING(recording, TreeOptions());
  char program[] = "/tmp/spoor-setuid-XXXXXX";
  const int copy = mkstemp(program);
  std::ifstream original("/bin/true", std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(original)), {});
  ASSERT_EQ(write(copy, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  ASSERT_EQ(fchown(copy, 1234, 4321), 0);
  ASSERT_EQ(fchmod(copy, 06755), 0);
  close(copy);
  const pid_t pid = recording.Run([&](Facts&) {
    TRIGGER_CHECK(setresgid(55, 56, 57) == 0 && setresuid(65, 66, 67) == 0);
    execl(program, "true", nullptr);
    _exit(1);
  });
  const auto changes = recording.Read(RECORD_CREDENTIAL, pid);
  ASSERT_GE(changes.size(), 2u);  // a busybox changes its credentials further
  const auto groups = changes[0].As<credential_record>().credentials;
  EXPECT_THAT((std::vector{groups.gid, groups.egid, groups.sgid, groups.fsgid}),
              ElementsAre(55u, 56u, 57u, 56u));
  EXPECT_NE(groups.cap_effective, 0u);
  const auto users = changes[1].As<credential_record>().credentials;
  EXPECT_THAT((std::vector{users.uid, users.euid, users.suid, users.fsuid}),
              ElementsAre(65u, 66u, 67u, 66u));
  EXPECT_EQ(users.cap_effective, 0u);
  EXPECT_EQ(changes[1].header().uid, 65u);
  EXPECT_EQ(changes[1].header().euid, 66u);
  const auto execs = recording.Read(RECORD_EXEC, pid);
  ASSERT_THAT(execs, SizeIs(1));
  const auto seen = execs[0].As<exec_record>();
  EXPECT_EQ(seen.object_uid, 1234u);
  EXPECT_EQ(seen.object_gid, 4321u);
  EXPECT_EQ(seen.object.mode, 0106755);
  EXPECT_EQ(seen.credentials.uid, 65u);
  EXPECT_EQ(seen.credentials.euid, 1234u);
  EXPECT_EQ(seen.credentials.egid, 4321u);
  EXPECT_EQ(seen.header.euid, 1234u);
  unlink(program);
}

TEST(ProcessRecords, TellRefusedCredentialChanges) {
  START_RECORDING(recording, TreeOptions());
  const pid_t pid = recording.Run([](Facts&) {
    TRIGGER_CHECK(setresuid(1000, 1000, 1000) == 0);
    TRIGGER_CHECK(setuid(0) == -1);
  });
  const auto changes = recording.Read(RECORD_CREDENTIAL, pid);
  ASSERT_THAT(changes, SizeIs(2));
  EXPECT_EQ(changes[1].header().result, -EPERM);
  EXPECT_EQ(changes[1].As<credential_record>().credentials.uid, 1000u);
}

TEST(ProcessRecords, TellWhoSignalledWhom) {
  START_RECORDING(recording, TreeOptions());
  const pid_t pid = recording.Run([](Facts& facts) {
    const pid_t child = fork();
    if (child == 0) {
      pause();
      _exit(0);
    }
    facts.number[0] = child;
    facts.number[1] = static_cast<std::int64_t>(StartTicksOf(child));
    TRIGGER_CHECK(kill(child, 0) == 0);
    TRIGGER_CHECK(kill(child, SIGKILL) == 0);
    TRIGGER_CHECK(waitpid(child, nullptr, 0) == child);
    TRIGGER_CHECK(kill(child, SIGTERM) == -1);
  });
  const auto child = static_cast<pid_t>(recording.facts().number[0]);
  const auto signals = recording.Read(RECORD_SIGNAL, pid);
  ASSERT_THAT(signals, SizeIs(3));
  EXPECT_EQ(signals[0].As<signal_record>().argument, 0);
  const auto deadly = signals[1].As<signal_record>();
  EXPECT_EQ(deadly.target_pid, child);
  EXPECT_EQ(deadly.argument, SIGKILL);
  EXPECT_EQ(deadly.target_start_boot_ns / 10'000'000,
            static_cast<std::uint64_t>(recording.facts().number[1]));
  EXPECT_EQ(signals[2].header().result, -ESRCH);
  const auto exits = recording.Read(RECORD_EXIT, child);
  ASSERT_THAT(exits, SizeIs(1));
  EXPECT_EQ(exits[0].As<exit_record>().exit_code, static_cast<std::uint32_t>(SIGKILL));
}

TEST(ProcessRecords, TellPtraceAndMemoryWrites) {
  START_RECORDING(recording, TreeOptions());
  const pid_t pid = recording.Run([](Facts& facts) {
    static volatile long target = 1;
    const pid_t child = fork();
    if (child == 0) {
      for (;;) pause();
    }
    facts.number[0] = child;
    long value = 2;
    struct iovec local {
      &value, sizeof(value)
    };
    struct iovec remote {
      const_cast<long*>(&target), sizeof(value)
    };
    TRIGGER_CHECK(process_vm_writev(child, &local, 1, &remote, 1, 0) == sizeof(value));
    TRIGGER_CHECK(ptrace(PTRACE_ATTACH, child, nullptr, nullptr) == 0);
    TRIGGER_CHECK(waitpid(child, nullptr, 0) == child);
    TRIGGER_CHECK(ptrace(PTRACE_POKEDATA, child, const_cast<long*>(&target), 3) == 0);
    kill(child, SIGKILL);
    TRIGGER_CHECK(waitpid(child, nullptr, 0) == child);
  });
  const auto child = static_cast<std::int32_t>(recording.facts().number[0]);
  std::vector<Record> traces;
  for (const Record& record : recording.Read(RECORD_SIGNAL, pid))
    if (record.header().syscall_nr == SYS_ptrace ||
        record.header().syscall_nr == SYS_process_vm_writev)
      traces.push_back(record);
  ASSERT_GE(traces.size(), 3u);
  EXPECT_EQ(traces[0].header().syscall_nr, SYS_process_vm_writev);
  EXPECT_EQ(traces[0].header().result, 8);
  EXPECT_EQ(traces[0].As<signal_record>().target_pid, child);
  for (const std::size_t i : {1u, 2u}) {
    const auto seen = traces[i].As<signal_record>();
    EXPECT_EQ(seen.target_pid, child);
    EXPECT_NE(seen.target_start_boot_ns, 0u);
    EXPECT_EQ(seen.argument, i == 1 ? PTRACE_ATTACH : PTRACE_POKEDATA);
  }
}

}  // namespace
}  // namespace spoor::sensor
