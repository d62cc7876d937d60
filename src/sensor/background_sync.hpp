// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "base/result.hpp"

namespace spoor::sensor {

/// Syncs on a thread of its own, so that whoever asks for it need not wait for a disk. What is
/// asked for while a sync runs is one more sync, however often.
class BackgroundSync {
 public:
  explicit BackgroundSync(std::function<Result<>()> sync);
  BackgroundSync(const BackgroundSync&) = delete;
  BackgroundSync& operator=(const BackgroundSync&) = delete;
  /// As Finish, without its answer.
  ~BackgroundSync();

  /// Fails with what a sync before failed with; there are no more after that.
  Result<> Ask();
  /// Waits until what was asked for is done. Fails as Ask does.
  Result<> Finish();

 private:
  void Run();
  Result<> Outcome() const;  // under mutex_

  const std::function<Result<>()> sync_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool asked_ = false;  // under mutex_, like all below
  bool finishing_ = false;
  std::optional<Error> error_;
  std::thread thread_;
};

}  // namespace spoor::sensor
