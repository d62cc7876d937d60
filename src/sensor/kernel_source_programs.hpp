// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bpf/libbpf.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "sensor/bpf/sensor_config.h"

namespace spoor::sensor {

struct BpfObjectDeleter {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};
struct BpfLinkDeleter {
  void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
using BpfLink = std::unique_ptr<bpf_link, BpfLinkDeleter>;

/// How the kernel half reads kernel objects (bpf/read.h).
enum class ReadMode {
  kBest,      ///< direct where this kernel has what it takes, else portable
  kPortable,  ///< portable in any case
};

/// The kernel half in the kernel, not attached yet.
struct LoadedPrograms {
  std::unique_ptr<bpf_object, BpfObjectDeleter> object;
  std::vector<std::string> refused;  ///< "name: why", of programs that this kernel would not load

  /// Negative where it was refused, or where kernels that need portable reads cannot have it.
  int ProgramFd(const char* name) const;
  /// The names are ours, so they must be there.
  int MapFd(const char* name) const;
};

/// Which program records a system call (x86-64 number).
struct SyscallProgram {
  std::uint16_t syscall_nr;
  const char* program;
};
std::span<const SyscallProgram> SyscallPrograms();

/// The programs that hang on hooks of their own.
struct HookProgram {
  const char* program;
  bool required;  ///< without it there is no recording
};
std::span<const HookProgram> HookPrograms();

/// Loads everything that this kernel accepts. Fails: kUnavailable when a required program is
/// refused (which, and the verifier's last line), kUnsupported without kernel BTF.
Result<LoadedPrograms> LoadPrograms(const sensor_config& config, std::size_t ring_bytes,
                                    ReadMode mode);

}  // namespace spoor::sensor
