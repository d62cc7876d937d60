// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/result.hpp"
#include "base/store_layout.hpp"
#include "collector/intake.hpp"
#include "collector/retention.hpp"

namespace spoor::collector {

/// Applies a policy to the log of a running collector, now and then: plans on a thread of its own,
/// beside the intake, which only carries out.
class RetentionKeeper {
 public:
  struct Options {
    StoreLayout store;
    RetentionPolicy policy;
    std::string by;
    /// Told what was removed, or why nothing could be. From the keeper's thread.
    std::function<void(const std::string&)> narrate;
  };
  /// `intake`: outlives the keeper.
  static std::unique_ptr<RetentionKeeper> Start(Options options, Intake& intake);
  RetentionKeeper(const RetentionKeeper&) = delete;
  RetentionKeeper& operator=(const RetentionKeeper&) = delete;
  ~RetentionKeeper();

 private:
  RetentionKeeper(Options options, Intake& intake)
      : options_(std::move(options)), intake_(intake) {}
  void Run();
  Result<> Apply();

  const Options options_;
  Intake& intake_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace spoor::collector
