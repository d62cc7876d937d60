// SPDX-License-Identifier: Apache-2.0
#include "sensor/background_sync.hpp"

#include <utility>

namespace spoor::sensor {

BackgroundSync::BackgroundSync(std::function<Result<>()> sync)
    : sync_(std::move(sync)), thread_([this] { Run(); }) {}

BackgroundSync::~BackgroundSync() {
  static_cast<void>(Finish());
}

Result<> BackgroundSync::Ask() {
  const std::lock_guard lock(mutex_);
  asked_ = true;
  changed_.notify_one();
  return Outcome();
}

Result<> BackgroundSync::Finish() {
  {
    const std::lock_guard lock(mutex_);
    finishing_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
  const std::lock_guard lock(mutex_);
  return Outcome();
}

Result<> BackgroundSync::Outcome() const {
  if (error_) return tl::unexpected<Error>(*error_);
  return {};
}

void BackgroundSync::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return asked_ || finishing_; });
    if (!std::exchange(asked_, false)) return;
    lock.unlock();
    Result<> synced = sync_();
    lock.lock();
    if (!synced) {
      error_ = std::move(synced).error();
      return;
    }
  }
}

}  // namespace spoor::sensor
