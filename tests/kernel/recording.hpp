// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/types.h>

#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sensor/kernel_source.hpp"
#include "tests/machine/probes.hpp"
#include "wire/kernel_event.h"

namespace spoor::sensor {

/// One record as it came, tails included.
class Record {
 public:
  explicit Record(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {
    std::memcpy(&header_, bytes_.data(), sizeof(header_));
  }
  const record_header& header() const { return header_; }
  /// The fixed part; zeros if this is a record of another kind and too short.
  template <typename Body>
  Body As() const {
    Body body{};
    std::memcpy(&body, bytes_.data(), std::min(sizeof(body), bytes_.size()));
    return body;
  }
  std::string Text(const tail& where) const;

 private:
  std::vector<std::byte> bytes_;
  record_header header_{};
};

/// What a trigger tells the test: memory that both share.
struct Facts {
  std::int64_t number[64];
  char text[8][512];
};

/// Calls that Fork's own code makes in the child once it is recorded.
inline constexpr std::uint64_t kOwnReads = 1;
inline constexpr std::uint64_t kOwnCloses = 2;

/// A KernelSource with what it wrote. Triggers are forked children whose trees are scope 0.
class Recording {
 public:
  /// nullptr, with the reason in `why`, where this machine cannot record.
  static std::unique_ptr<Recording> Start(KernelSourceOptions options, std::string& why);
  ~Recording();

  KernelSource& source() { return *source_; }
  Facts& facts() { return *facts_; }
  /// Runs `act` in a child of its own, waits for its end, returns its pid. Fails the test if the
  /// child does not return from `act`.
  pid_t Run(const std::function<void(Facts&)>& act);
  /// Forks the child, which waits until Go; both are steps of Run.
  pid_t Fork(const std::function<void(Facts&)>& act);
  void Go();
  void WaitFor(pid_t pid);
  void WaitUntilStopped(pid_t pid);
  /// Drains, and returns everything drained so far.
  const std::vector<Record>& Read();
  /// Read, but only `kind` and only of process `pid` (0: of any).
  std::vector<Record> Read(int kind, pid_t pid = 0);
  /// Records that the chunk headers' sequences say are missing.
  std::uint64_t missing_count() const { return missing_count_; }
  /// Adds what a Drain of the test's own gave to `records`.
  void Parse(const std::vector<std::byte>& chunks);
  const std::vector<Record>& records() const { return records_; }
  /// How often the kernel skipped a program of this recording (LOSS_MISSED_HOOK counts it), for any
  /// process of the machine: 0 but on fully preemptible kernels with more to do than this test.
  static std::uint64_t SkippedByKernel();

 private:
  Recording() = default;

  std::unique_ptr<KernelSource> source_;
  std::vector<Record> records_;
  std::vector<std::pair<std::uint32_t, std::uint64_t>> next_sequence_;
  std::uint64_t missing_count_ = 0;
  Facts* facts_ = nullptr;
  int go_[2] = {-1, -1};
};

/// start_boottime of a process in clock ticks, as /proc tells it.
std::uint64_t StartTicksOf(pid_t pid);

/// For the triggers: ends the child at once, naming the line, when something unexpected happens.
#define TRIGGER_CHECK(condition)      \
  ((condition) ? static_cast<void>(0) \
               : ::spoor::sensor::TriggerFailed(__FILE__, __LINE__, #condition))
[[noreturn]] void TriggerFailed(const char* file, int line, const char* condition);

/// Starts a recording named `recording`, or skips the test and says why.
#define START_RECORDING(recording, ...)                                          \
  std::string recording##_why;                                                   \
  const auto recording##_owner = Recording::Start(__VA_ARGS__, recording##_why); \
  if (!recording##_owner) GTEST_SKIP() << recording##_why;                       \
  Recording& recording = *recording##_owner

inline KernelSourceOptions TreeOptions() {
  return {.scopes = {{.kind = Scope::Kind::kTree, .host = "test", .cgroup_path = {}}}};
}

}  // namespace spoor::sensor
