// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "wire/kernel_event.h"

namespace spoor::sensor {

/// One thing that an operator calls a host: the whole machine, a cgroup, or a command's tree.
struct Scope {
  enum class Kind { kMachine, kCgroup, kTree };
  Kind kind = Kind::kMachine;
  std::string host;         ///< name of the host in the record
  std::string cgroup_path;  ///< kCgroup: folder in the cgroup v2 mount, its descendants included
};

struct KernelSourceOptions {
  std::vector<Scope> scopes;                     ///< 1..8; record_header.scope indexes it
  std::uint32_t terminal_payload_bytes_max = 0;  ///< per call; 0: no terminal payload
  std::uint32_t payload_bytes_max = 0;           ///< per call, other descriptors; 0: none
  std::uint64_t payload_bytes_per_second = 0;    ///< budget of the latter, whole machine
  std::size_t ring_bytes = 16 << 20;             ///< rounded up to a power of two, 64 KiB to 1 GiB
  /// Read kernel objects the way that kernels before 6.2 need, on newer ones too (for tests).
  bool portable_reads = false;
};

/// Which capture paths this kernel granted; goes into the recording's description.
struct Coverage {
  std::vector<std::string> attached;  ///< program names
  std::vector<std::string> refused;   ///< "name: why"
};

/// The kernel half, loaded: attaches programs, hands over what they wrote. Needs root.
/// Order of use: Open, Attach, then Baseline once, then Drain until done, Detach, a last Drain.
class KernelSource {
 public:
  virtual ~KernelSource() = default;
  /// Fails: kUnavailable (not root, or the kernel refuses BPF: which and why), kUnsupported (no
  /// BTF).
  static Result<std::unique_ptr<KernelSource>> Open(const KernelSourceOptions& options);

  virtual Result<> Attach() = 0;
  /// kTree scope: `pid` (initial namespace) and all its descendants from now on belong to scope
  /// `scope_index`. Call while `pid` is stopped before its exec.
  virtual Result<> AddTree(std::uint32_t pid, std::uint16_t scope_index) = 0;
  /// How many processes of the recorded trees there are now. Fails: kIo.
  virtual Result<std::uint64_t> CountTreeProcesses() { return 0; }
  /// Appends chunks (chunk_header, records) of RECORD_PROCESS and baseline RECORD_OPEN for every
  /// process and descriptor of the scopes.
  virtual Result<> Baseline(std::vector<std::byte>& chunks) = 0;
  /// Flushes every CPU's open chunk and appends all delivered chunks. Returns the boot time until
  /// which nothing more can come.
  virtual Result<std::uint64_t> Drain(std::vector<std::byte>& chunks) = 0;
  /// Becomes readable when something urgent was recorded (a program started, credentials changed,
  /// a connection): reason to drain before the next time. ClearWake makes it unreadable again.
  /// Negative: there is none.
  virtual int wake_fd() const { return -1; }
  virtual void ClearWake() {}
  virtual Result<> Detach() = 0;

  struct Loss {
    std::array<std::uint64_t, LOSS_CLASS_COUNT> count{};  ///< since Attach, all CPUs
    std::uint64_t recorded_count = 0;
    /// Signs that somebody else wrote to what the kernel half and we share. Each is in count, too,
    /// as one of LOSS_MISSED_HOOK: how much it cost is not known.
    std::uint64_t interference_count = 0;
  };
  virtual Result<Loss> ReadLoss() = 0;
  virtual const Coverage& coverage() const = 0;
};

}  // namespace spoor::sensor
