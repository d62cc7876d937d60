// SPDX-License-Identifier: Apache-2.0
#include "sensor/kernel_source_programs.hpp"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "base/check.hpp"
#include "sensor_direct.skel.h"
#include "sensor_portable.skel.h"
#include "wire/syscall_numbers.h"

namespace spoor::sensor {
namespace {

constexpr HookProgram kHooks[] = {
    {"on_sched_process_fork", true}, {"on_sched_process_exec", true},
    {"on_sched_process_exit", true}, {"on_signal_generate", false},
    {"on_datagram_copied", false},   {"on_datagram_arrived", false},
    {"on_sys_enter", false},         {"on_sys_exit", true},
};

constexpr SyscallProgram kSyscalls[] = {
    {NR_EXECVE, "on_exec_refused"},
    {NR_EXECVEAT, "on_exec_refused"},
    {NR_SETUID, "on_credentials"},
    {NR_SETGID, "on_credentials"},
    {NR_SETREUID, "on_credentials"},
    {NR_SETREGID, "on_credentials"},
    {NR_SETGROUPS, "on_credentials"},
    {NR_SETRESUID, "on_credentials"},
    {NR_SETRESGID, "on_credentials"},
    {NR_SETFSUID, "on_credentials"},
    {NR_SETFSGID, "on_credentials"},
    {NR_CAPSET, "on_credentials"},
    {NR_UNSHARE, "on_credentials"},
    {NR_SETNS, "on_credentials"},
    {NR_PRCTL, "on_credentials"},
    {NR_SETSID, "on_session"},
    {NR_SETPGID, "on_session"},

    {NR_OPEN, "on_open"},
    {NR_OPENAT, "on_open"},
    {NR_OPENAT2, "on_open"},
    {NR_CREAT, "on_open"},
    {NR_OPEN_BY_HANDLE_AT, "on_open"},
    {NR_MEMFD_CREATE, "on_open"},
    {NR_IO_URING_SETUP, "on_open"},
    {NR_PIDFD_OPEN, "on_open"},
    {NR_PIDFD_GETFD, "on_open"},
    {NR_MQ_OPEN, "on_open"},
    {NR_CLOSE, "on_close"},
    {NR_CLOSE_RANGE, "on_close"},
    {NR_DUP, "on_dup"},
    {NR_DUP2, "on_dup"},
    {NR_DUP3, "on_dup"},
    {NR_FCNTL, "on_dup"},
    {NR_PIPE, "on_pair"},
    {NR_PIPE2, "on_pair"},
    {NR_SOCKETPAIR, "on_pair"},

    {NR_READ, "on_io"},
    {NR_WRITE, "on_io"},
    {NR_PREAD64, "on_io_at"},
    {NR_PWRITE64, "on_io_at"},
    {NR_READV, "on_io_at"},
    {NR_WRITEV, "on_io_at"},
    {NR_PREADV, "on_io_at"},
    {NR_PWRITEV, "on_io_at"},
    {NR_PREADV2, "on_io_at"},
    {NR_PWRITEV2, "on_io_at"},
    {NR_VMSPLICE, "on_io_queue"},
    {NR_MQ_TIMEDSEND, "on_io_queue"},
    {NR_MQ_TIMEDRECEIVE, "on_io_queue"},
    {NR_SENDTO, "on_io_socket"},
    {NR_RECVFROM, "on_io_socket"},
    {NR_SENDMSG, "on_io_message"},
    {NR_RECVMSG, "on_io_message"},
    {NR_SENDMMSG, "on_io_messages"},
    {NR_RECVMMSG, "on_io_messages"},
    {NR_SENDFILE, "on_transfer"},
    {NR_SPLICE, "on_transfer"},
    {NR_TEE, "on_transfer"},
    {NR_COPY_FILE_RANGE, "on_transfer"},
    {NR_IOCTL, "on_ioctl"},

    {NR_SOCKET, "on_socket"},
    {NR_BIND, "on_socket"},
    {NR_LISTEN, "on_socket"},
    {NR_CONNECT, "on_socket"},
    {NR_ACCEPT, "on_socket"},
    {NR_ACCEPT4, "on_socket"},
    {NR_SHUTDOWN, "on_socket"},
    {NR_GETSOCKOPT, "on_socket_error"},

    {NR_UNLINK, "on_path"},
    {NR_UNLINKAT, "on_path"},
    {NR_RMDIR, "on_path"},
    {NR_MKDIR, "on_path"},
    {NR_MKDIRAT, "on_path"},
    {NR_MKNOD, "on_path"},
    {NR_MKNODAT, "on_path"},
    {NR_CHMOD, "on_path"},
    {NR_FCHMOD, "on_path"},
    {NR_FCHMODAT, "on_path"},
    {NR_FCHMODAT2, "on_path"},
    {NR_CHOWN, "on_path"},
    {NR_FCHOWN, "on_path"},
    {NR_LCHOWN, "on_path"},
    {NR_FCHOWNAT, "on_path"},
    {NR_TRUNCATE, "on_path"},
    {NR_FTRUNCATE, "on_path"},
    {NR_CHDIR, "on_path"},
    {NR_FCHDIR, "on_path"},
    {NR_CHROOT, "on_path"},
    {NR_UTIME, "on_attribute"},
    {NR_MOUNT, "on_mount"},
    {NR_UMOUNT2, "on_mount"},
    {NR_SETXATTR, "on_attribute"},
    {NR_LSETXATTR, "on_attribute"},
    {NR_FSETXATTR, "on_attribute"},
    {NR_REMOVEXATTR, "on_attribute"},
    {NR_LREMOVEXATTR, "on_attribute"},
    {NR_FREMOVEXATTR, "on_attribute"},
    {NR_UTIMES, "on_attribute"},
    {NR_FUTIMESAT, "on_attribute"},
    {NR_UTIMENSAT, "on_attribute"},
    {NR_MOVE_MOUNT, "on_mount"},
    {NR_SETXATTRAT, "on_attribute"},
    {NR_REMOVEXATTRAT, "on_attribute"},
    {NR_RENAME, "on_two_paths"},
    {NR_RENAMEAT, "on_two_paths"},
    {NR_RENAMEAT2, "on_two_paths"},
    {NR_LINK, "on_two_paths"},
    {NR_LINKAT, "on_two_paths"},
    {NR_SYMLINK, "on_two_paths"},
    {NR_SYMLINKAT, "on_two_paths"},

    {NR_KILL, "on_signal_call"},
    {NR_TKILL, "on_signal_call"},
    {NR_TGKILL, "on_signal_call"},
    {NR_RT_SIGQUEUEINFO, "on_signal_call"},
    {NR_RT_TGSIGQUEUEINFO, "on_signal_call"},
    {NR_PIDFD_SEND_SIGNAL, "on_signal_call"},
    {NR_PTRACE, "on_intrusion"},
    {NR_PROCESS_VM_READV, "on_intrusion"},
    {NR_PROCESS_VM_WRITEV, "on_intrusion"},
};

// libbpf has one print function for the whole program; the text of this thread's last load is
// where the verifier says why it refused.
constexpr std::size_t kLogBytesMax = 16 << 10;
thread_local std::string load_log;

int KeepLog(libbpf_print_level level, const char* format, va_list arguments) {
  va_list copy;
  va_copy(copy, arguments);
  const int length = std::vsnprintf(nullptr, 0, format, copy);
  va_end(copy);
  if (length <= 0) return 0;
  std::string line(static_cast<std::size_t>(length) + 1, '\0');
  va_copy(copy, arguments);
  std::vsnprintf(line.data(), line.size(), format, copy);
  va_end(copy);
  line.pop_back();
  // A verifier log may have megabytes; what matters is at its end.
  if (line.size() > kLogBytesMax) line.erase(0, line.size() - kLogBytesMax);
  if (level != LIBBPF_DEBUG) load_log += line;
  while (line.ends_with('\n')) line.pop_back();
  if (!line.empty()) spdlog::debug("libbpf: {}", line);
  return 0;
}

// "libbpf: prog 'NAME': failed to load: -22" names the program that ended the load.
std::string RefusedProgram(std::string_view log) {
  const std::size_t failed = log.rfind("': failed to load: ");
  if (failed == std::string_view::npos) return {};
  const std::size_t begin = log.rfind('\'', failed - 1);
  return begin == std::string_view::npos ? std::string()
                                         : std::string(log.substr(begin + 1, failed - begin - 1));
}

// The verifier's last words: the line before its statistics.
std::string RefusalReason(std::string_view log) {
  const std::size_t statistics = log.rfind("\nprocessed ");
  if (statistics == std::string_view::npos) return {};
  const std::size_t begin = log.rfind('\n', statistics - 1);
  const std::size_t first = begin == std::string_view::npos ? 0 : begin + 1;
  return ": " + std::string(log.substr(first, statistics - first));
}

bool IsRequired(std::string_view program) {
  return program.empty() || program == "flush" || program == "mark" ||
         std::ranges::any_of(kHooks, [&](const HookProgram& hook) {
           return hook.required && program == hook.program;
         });
}

Result<> Configure(bpf_object* object, const sensor_config& config, std::size_t ring_bytes) {
  bpf_map* settings = bpf_object__find_map_by_name(object, ".rodata.config");
  SPOOR_CHECK(settings != nullptr);
  if (const int error = bpf_map__set_initial_value(settings, &config, sizeof(config)))
    return FailErrno(-error, "kernel half: cannot set its settings");
  const auto cpu_count = static_cast<std::uint32_t>(libbpf_num_possible_cpus());
  bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "slots"),
                           cpu_count * SLOTS_PER_CPU + 1);
  bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "ring"),
                           static_cast<std::uint32_t>(ring_bytes));
  return {};
}

// One try after the other, each without the optional program that ended the one before.
Result<LoadedPrograms> LoadBytes(const void* bytes, std::size_t size_bytes,
                                 const sensor_config& config, std::size_t ring_bytes) {
  LoadedPrograms loaded;
  std::vector<std::string> skipped;
  for (;;) {
    load_log.clear();
    bpf_object_open_opts options{};  // not LIBBPF_OPTS, which is a GNU expression
    options.sz = sizeof(options);
    options.object_name = "spoor";
    loaded.object.reset(bpf_object__open_mem(bytes, size_bytes, &options));
    if (!loaded.object) return FailErrno(errno, "kernel half: cannot open the BPF object");
    RETURN_IF_ERROR(Configure(loaded.object.get(), config, ring_bytes));
    for (const std::string& name : skipped)
      bpf_program__set_autoload(bpf_object__find_program_by_name(loaded.object.get(), name.c_str()),
                                false);
    const int error = bpf_object__load(loaded.object.get());
    if (error == 0) return loaded;
    const std::string program = RefusedProgram(load_log);
    const std::string why = ErrnoText(-error) + RefusalReason(load_log);
    if (IsRequired(program)) {
      return Fail(ErrorCode::kUnavailable, "this kernel refuses the BPF program {}: {}",
                  program.empty() ? "object" : program, why);
    }
    loaded.refused.push_back(fmt::format("{}: {}", program, why));
    skipped.push_back(program);
  }
}

}  // namespace

std::span<const SyscallProgram> SyscallPrograms() {
  return kSyscalls;
}
std::span<const HookProgram> HookPrograms() {
  return kHooks;
}

int LoadedPrograms::ProgramFd(const char* name) const {
  const bpf_program* program = bpf_object__find_program_by_name(object.get(), name);
  return program == nullptr ? -1 : bpf_program__fd(program);
}

int LoadedPrograms::MapFd(const char* name) const {
  const int fd = bpf_object__find_map_fd_by_name(object.get(), name);
  SPOOR_CHECK(fd >= 0) << name;
  return fd;
}

Result<LoadedPrograms> LoadPrograms(const sensor_config& config, std::size_t ring_bytes,
                                    ReadMode mode) {
  libbpf_set_print(KeepLog);
  std::unique_ptr<btf, decltype(&btf__free)> types(btf__load_vmlinux_btf(), btf__free);
  if (!types)
    return Fail(ErrorCode::kUnsupported, "this kernel has no BTF (CONFIG_DEBUG_INFO_BTF)");
  sensor_config complete = config;
  complete.baseline_slot = static_cast<std::uint32_t>(libbpf_num_possible_cpus()) * SLOTS_PER_CPU;
  // typedef void (*btf_trace_sched_process_exit)(void *, struct task_struct *, bool);
  const int hook =
      btf__find_by_name_kind(types.get(), "btf_trace_sched_process_exit", BTF_KIND_TYPEDEF);
  if (hook > 0) {
    const btf_type* pointer =
        btf__type_by_id(types.get(), btf__type_by_id(types.get(), static_cast<__u32>(hook))->type);
    const btf_type* function = btf__type_by_id(types.get(), pointer->type);
    complete.exit_tells_group_dead = btf_vlen(function) > 2;
  }
  std::size_t size_bytes = 0;
  if (mode == ReadMode::kBest &&
      btf__find_by_name_kind(types.get(), "bpf_rdonly_cast", BTF_KIND_FUNC) > 0) {
    const void* direct = sensor_direct__elf_bytes(&size_bytes);
    Result<LoadedPrograms> loaded = LoadBytes(direct, size_bytes, complete, ring_bytes);
    if (loaded) return loaded;
    spdlog::debug("direct reads refused, using the portable programs: {}", loaded.error().message);
  }
  const void* portable = sensor_portable__elf_bytes(&size_bytes);
  return LoadBytes(portable, size_bytes, complete, ring_bytes);
}

}  // namespace spoor::sensor
