// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "tests/kernel/recording.hpp"

namespace spoor::sensor {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
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

}  // namespace
}  // namespace spoor::sensor
