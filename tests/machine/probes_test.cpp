// SPDX-License-Identifier: Apache-2.0
#include "tests/machine/probes.hpp"

#include <gmock/gmock.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace spoor::machine {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// What `ask` says in a child process to which the kernel answers 32-bit calls by `action`.
std::string AskWhere32BitCallsGet(std::uint32_t action, const std::function<std::string()>& ask) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    sock_filter code[] = {
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, arch)},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, AUDIT_ARCH_I386},
        {BPF_RET | BPF_K, 0, 0, action},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    };
    const sock_fprog program{4, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) _exit(1);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) _exit(2);
    const std::string said = ask();
    _exit(write(ends[1], said.data(), said.size()) == static_cast<ssize_t>(said.size()) ? 0 : 3);
  }
  close(ends[1]);
  std::string said(4096, '\0');
  const ssize_t length = read(ends[0], said.data(), said.size());
  said.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
  close(ends[0]);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  return said;
}

TEST(Probes, SayThatThereAreNo32BitCallsWhereTheyEndAProcessOrAreNoCall) {
  if (const std::string why = WhyItRefuses32BitCalls(); !why.empty()) GTEST_SKIP() << why;
  EXPECT_THAT(AskWhere32BitCallsGet(SECCOMP_RET_KILL_PROCESS, WhyItRefuses32BitCalls),
              HasSubstr("ends a process by SIGSYS"));
  EXPECT_THAT(AskWhere32BitCallsGet(SECCOMP_RET_ERRNO | ENOSYS, WhyItRefuses32BitCalls),
              HasSubstr("int 0x80 gives ENOSYS"));
  EXPECT_THAT(AskWhere32BitCallsGet(SECCOMP_RET_ERRNO | EPERM, WhyItRefuses32BitCalls), IsEmpty())
      << "another answer is for the test to fail on";
}

TEST(Probes, SayThatOnlyRootRecords) {
  const pid_t child = fork();
  if (child == 0) {
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) _exit(1);
    _exit(WhyItCannotRecord() == "recording needs root" ? 0 : 2);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(Probes, FindNoProgramThatIsNotOnThePath) {
  const pid_t child = fork();
  if (child == 0) {
    setenv("PATH", "/nowhere", 1);
    _exit(!WhyItHasNoStrace().empty() && !WhyItHasNoGraphviz().empty() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace spoor::machine
