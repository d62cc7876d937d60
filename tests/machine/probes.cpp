// SPDX-License-Identifier: Apache-2.0
#include "tests/machine/probes.hpp"

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace spoor::machine {
namespace {

constexpr std::uint32_t kRingBytes = 64 << 10;  // a multiple of every page size in use
constexpr const char* kKernelTypes = "/sys/kernel/btf/vmlinux";
// Of the child that tries a 32-bit call.
constexpr int kOtherAnswer = 1;
constexpr int kNoSuchCall = 2;

// The result of the bpf system call; a file that it opened is closed again.
bool Takes(bpf_cmd command, bpf_attr& attributes) {
  const long fd = syscall(SYS_bpf, command, &attributes, sizeof(attributes));
  if (fd >= 0) close(static_cast<int>(fd));
  return fd >= 0;
}

std::string Because(const char* what) {
  return std::string(what) + ": " + std::strerror(errno);
}

// `shell_command` with no output.
bool Succeeds(const std::string& shell_command) {
  return std::system(("exec >/dev/null 2>&1 </dev/null; " + shell_command).c_str()) == 0;
}

}  // namespace

std::string WhyItCannotRecord() {
  if (geteuid() != 0) return "recording needs root";
  if (access(kKernelTypes, R_OK) != 0) return "the kernel has no BTF";
  bpf_attr ring{};
  ring.map_type = BPF_MAP_TYPE_RINGBUF;
  ring.max_entries = kRingBytes;
  if (!Takes(BPF_MAP_CREATE, ring)) return Because("the kernel refuses a BPF ring buffer");
  bpf_insn code[2]{};  // return 0
  code[0].code = BPF_ALU64 | BPF_MOV | BPF_K;
  code[1].code = BPF_JMP | BPF_EXIT;
  bpf_attr program{};
  program.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
  program.insns = reinterpret_cast<std::uintptr_t>(code);
  program.insn_cnt = 2;
  program.license = reinterpret_cast<std::uintptr_t>("GPL");
  if (!Takes(BPF_PROG_LOAD, program)) return Because("the kernel refuses a BPF tracing program");
  return {};
}

std::string WhyItRefuses32BitCalls() {
#ifdef __x86_64__
  const pid_t child = fork();
  if (child < 0) return Because("cannot fork");
  if (child == 0) {
    signal(SIGSEGV, SIG_DFL);  // a sanitizer's handler would report it
    long result = 0;
    asm volatile("int $0x80"
                 : "=a"(result)
                 : "a"(20L /* getpid */)
                 : "memory", "r8", "r9", "r10", "r11");
    _exit(result == getpid() ? 0 : result == -ENOSYS ? kNoSuchCall : kOtherAnswer);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child) return {};
  if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGSYS)) {
    return std::string("int 0x80 does not exist here: it ends a process by ") +
           (WTERMSIG(status) == SIGSEGV ? "SIGSEGV" : "SIGSYS");
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == kNoSuchCall) {
    return "the kernel refuses 32-bit calls: int 0x80 gives ENOSYS";
  }
  return {};
#else
  return "not x86-64: there is no int 0x80";
#endif
}

std::string WhyItHasNoStrace() {
  if (!Succeeds("command -v strace")) return "strace is not installed";
  return Succeeds("strace -f -o /dev/null true") ? "" : "strace may not trace a process here";
}

std::string WhyItHasNoGraphviz() {
  return Succeeds("command -v dot") ? "" : "graphviz is not installed";
}

}  // namespace spoor::machine
