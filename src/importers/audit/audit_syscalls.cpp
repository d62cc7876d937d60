// SPDX-License-Identifier: Apache-2.0
// Numbers of calls: asm/unistd_64.h, asm/unistd_32.h and asm-generic/unistd.h of Linux.
#include "importers/audit/audit_syscalls.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

namespace spoor::importers {
namespace {

struct Call {
  std::uint64_t number;
  std::string_view name;
};

constexpr std::array kX86_64{
    Call{0, "read"},           Call{1, "write"},          Call{2, "open"},
    Call{3, "close"},          Call{17, "pread64"},       Call{18, "pwrite64"},
    Call{19, "readv"},         Call{20, "writev"},        Call{22, "pipe"},
    Call{32, "dup"},           Call{33, "dup2"},          Call{41, "socket"},
    Call{42, "connect"},       Call{43, "accept"},        Call{44, "sendto"},
    Call{45, "recvfrom"},      Call{46, "sendmsg"},       Call{47, "recvmsg"},
    Call{48, "shutdown"},      Call{49, "bind"},          Call{50, "listen"},
    Call{53, "socketpair"},    Call{56, "clone"},         Call{57, "fork"},
    Call{58, "vfork"},         Call{59, "execve"},        Call{60, "exit"},
    Call{62, "kill"},          Call{76, "truncate"},      Call{77, "ftruncate"},
    Call{80, "chdir"},         Call{81, "fchdir"},        Call{82, "rename"},
    Call{83, "mkdir"},         Call{84, "rmdir"},         Call{85, "creat"},
    Call{86, "link"},          Call{87, "unlink"},        Call{88, "symlink"},
    Call{90, "chmod"},         Call{91, "fchmod"},        Call{92, "chown"},
    Call{93, "fchown"},        Call{94, "lchown"},        Call{101, "ptrace"},
    Call{105, "setuid"},       Call{106, "setgid"},       Call{112, "setsid"},
    Call{113, "setreuid"},     Call{114, "setregid"},     Call{116, "setgroups"},
    Call{117, "setresuid"},    Call{119, "setresgid"},    Call{122, "setfsuid"},
    Call{123, "setfsgid"},     Call{133, "mknod"},        Call{155, "pivot_root"},
    Call{161, "chroot"},       Call{165, "mount"},        Call{166, "umount2"},
    Call{167, "swapon"},       Call{175, "init_module"},  Call{176, "delete_module"},
    Call{188, "setxattr"},     Call{189, "lsetxattr"},    Call{190, "fsetxattr"},
    Call{200, "tkill"},        Call{231, "exit_group"},   Call{234, "tgkill"},
    Call{257, "openat"},       Call{258, "mkdirat"},      Call{259, "mknodat"},
    Call{260, "fchownat"},     Call{263, "unlinkat"},     Call{264, "renameat"},
    Call{265, "linkat"},       Call{266, "symlinkat"},    Call{268, "fchmodat"},
    Call{280, "utimensat"},    Call{288, "accept4"},      Call{292, "dup3"},
    Call{293, "pipe2"},        Call{313, "finit_module"}, Call{316, "renameat2"},
    Call{319, "memfd_create"}, Call{321, "bpf"},          Call{322, "execveat"},
    Call{435, "clone3"},       Call{437, "openat2"}};
constexpr std::array kI386{Call{1, "exit"},
                           Call{2, "fork"},
                           Call{3, "read"},
                           Call{4, "write"},
                           Call{5, "open"},
                           Call{6, "close"},
                           Call{8, "creat"},
                           Call{9, "link"},
                           Call{10, "unlink"},
                           Call{11, "execve"},
                           Call{12, "chdir"},
                           Call{14, "mknod"},
                           Call{15, "chmod"},
                           Call{16, "lchown"},
                           Call{21, "mount"},
                           Call{23, "setuid"},
                           Call{26, "ptrace"},
                           Call{37, "kill"},
                           Call{38, "rename"},
                           Call{39, "mkdir"},
                           Call{40, "rmdir"},
                           Call{41, "dup"},
                           Call{42, "pipe"},
                           Call{46, "setgid"},
                           Call{52, "umount2"},
                           Call{61, "chroot"},
                           Call{63, "dup2"},
                           Call{66, "setsid"},
                           Call{70, "setreuid"},
                           Call{71, "setregid"},
                           Call{81, "setgroups"},
                           Call{83, "symlink"},
                           Call{87, "swapon"},
                           Call{92, "truncate"},
                           Call{93, "ftruncate"},
                           Call{94, "fchmod"},
                           Call{95, "fchown"},
                           Call{102, "socketcall"},
                           Call{120, "clone"},
                           Call{128, "init_module"},
                           Call{129, "delete_module"},
                           Call{133, "fchdir"},
                           Call{138, "setfsuid"},
                           Call{139, "setfsgid"},
                           Call{145, "readv"},
                           Call{146, "writev"},
                           Call{164, "setresuid"},
                           Call{170, "setresgid"},
                           Call{180, "pread64"},
                           Call{181, "pwrite64"},
                           Call{182, "chown"},
                           Call{190, "vfork"},
                           Call{198, "lchown32"},
                           Call{203, "setreuid32"},
                           Call{204, "setregid32"},
                           Call{207, "fchown32"},
                           Call{208, "setresuid32"},
                           Call{210, "setresgid32"},
                           Call{212, "chown32"},
                           Call{213, "setuid32"},
                           Call{214, "setgid32"},
                           Call{217, "pivot_root"},
                           Call{226, "setxattr"},
                           Call{227, "lsetxattr"},
                           Call{228, "fsetxattr"},
                           Call{238, "tkill"},
                           Call{252, "exit_group"},
                           Call{270, "tgkill"},
                           Call{295, "openat"},
                           Call{296, "mkdirat"},
                           Call{297, "mknodat"},
                           Call{298, "fchownat"},
                           Call{301, "unlinkat"},
                           Call{302, "renameat"},
                           Call{303, "linkat"},
                           Call{304, "symlinkat"},
                           Call{306, "fchmodat"},
                           Call{320, "utimensat"},
                           Call{330, "dup3"},
                           Call{331, "pipe2"},
                           Call{350, "finit_module"},
                           Call{353, "renameat2"},
                           Call{356, "memfd_create"},
                           Call{357, "bpf"},
                           Call{358, "execveat"},
                           Call{359, "socket"},
                           Call{360, "socketpair"},
                           Call{361, "bind"},
                           Call{362, "connect"},
                           Call{363, "listen"},
                           Call{364, "accept4"},
                           Call{369, "sendto"},
                           Call{370, "sendmsg"},
                           Call{371, "recvfrom"},
                           Call{372, "recvmsg"},
                           Call{373, "shutdown"},
                           Call{435, "clone3"},
                           Call{437, "openat2"}};
constexpr std::array kGeneric{Call{5, "setxattr"},        Call{6, "lsetxattr"},
                              Call{7, "fsetxattr"},       Call{23, "dup"},
                              Call{24, "dup3"},           Call{33, "mknodat"},
                              Call{34, "mkdirat"},        Call{35, "unlinkat"},
                              Call{36, "symlinkat"},      Call{37, "linkat"},
                              Call{38, "renameat"},       Call{39, "umount2"},
                              Call{40, "mount"},          Call{41, "pivot_root"},
                              Call{45, "truncate"},       Call{46, "ftruncate"},
                              Call{49, "chdir"},          Call{50, "fchdir"},
                              Call{51, "chroot"},         Call{52, "fchmod"},
                              Call{53, "fchmodat"},       Call{54, "fchownat"},
                              Call{55, "fchown"},         Call{56, "openat"},
                              Call{57, "close"},          Call{59, "pipe2"},
                              Call{63, "read"},           Call{64, "write"},
                              Call{65, "readv"},          Call{66, "writev"},
                              Call{67, "pread64"},        Call{68, "pwrite64"},
                              Call{88, "utimensat"},      Call{93, "exit"},
                              Call{94, "exit_group"},     Call{105, "init_module"},
                              Call{106, "delete_module"}, Call{117, "ptrace"},
                              Call{129, "kill"},          Call{130, "tkill"},
                              Call{131, "tgkill"},        Call{143, "setregid"},
                              Call{144, "setgid"},        Call{145, "setreuid"},
                              Call{146, "setuid"},        Call{147, "setresuid"},
                              Call{149, "setresgid"},     Call{151, "setfsuid"},
                              Call{152, "setfsgid"},      Call{157, "setsid"},
                              Call{159, "setgroups"},     Call{198, "socket"},
                              Call{199, "socketpair"},    Call{200, "bind"},
                              Call{201, "listen"},        Call{202, "accept"},
                              Call{203, "connect"},       Call{206, "sendto"},
                              Call{207, "recvfrom"},      Call{210, "shutdown"},
                              Call{211, "sendmsg"},       Call{212, "recvmsg"},
                              Call{220, "clone"},         Call{221, "execve"},
                              Call{224, "swapon"},        Call{242, "accept4"},
                              Call{273, "finit_module"},  Call{276, "renameat2"},
                              Call{279, "memfd_create"},  Call{280, "bpf"},
                              Call{281, "execveat"},      Call{435, "clone3"},
                              Call{437, "openat2"}};

std::span<const Call> CallsOf(std::uint64_t architecture) {
  constexpr std::uint64_t kAuditX86_64 = 0xc000003e, kAuditI386 = 0x40000003;
  constexpr std::uint64_t kAuditAarch64 = 0xc00000b7, kAuditRiscv64 = 0xc00000f3;
  constexpr std::uint64_t kAuditLoongarch64 = 0xc0000102;
  switch (architecture) {
    case kAuditX86_64:
      return kX86_64;
    case kAuditI386:
      return kI386;
    case kAuditAarch64:
    case kAuditRiscv64:
    case kAuditLoongarch64:
      return kGeneric;
    default:
      return {};
  }
}

}  // namespace

std::string SyscallName(std::uint64_t architecture, std::uint64_t number) {
  const std::span<const Call> calls = CallsOf(architecture);
  const auto found =
      std::lower_bound(calls.begin(), calls.end(), number,
                       [](const Call& call, std::uint64_t wanted) { return call.number < wanted; });
  if (found == calls.end() || found->number != number) return fmt::format("{}", number);
  return std::string(found->name);
}

}  // namespace spoor::importers
