// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "sensor/kernel_source.hpp"
#include "wire/seal_canary.hpp"

namespace spoor::sensor {

/// Whether canaries can be made in this scope: the tree of a command has no door from outside.
bool TakesCanaries(const Scope& scope);

/// Makes a chain's canaries: each is a short-lived process in one of the scopes, in turn, that has
/// three calls refused. What becomes of it the collector sees; nothing here looks. Not thread-safe.
class CanaryMaker {
 public:
  /// `scopes`: at least one, all TakesCanaries.
  CanaryMaker(wire::CanarySchedule schedule, std::vector<Scope> scopes);
  CanaryMaker(const CanaryMaker&) = delete;
  CanaryMaker& operator=(const CanaryMaker&) = delete;
  ~CanaryMaker();

  /// Makes the next one if it is due, and does not wait for it. One at a time: while the host is so
  /// busy that the last has not ended, none.
  void MakeDue(std::uint64_t now_boot_ns);

 private:
  bool LastHasEnded();

  wire::CanarySchedule schedule_;
  const std::vector<Scope> scopes_;
  std::optional<pid_t> last_;
};

}  // namespace spoor::sensor
