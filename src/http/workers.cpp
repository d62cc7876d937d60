// SPDX-License-Identifier: Apache-2.0
#include "http/workers.hpp"

namespace spoor::http {

Workers::~Workers() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    waiting_.clear();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Workers::Do(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (ending_) return;
    waiting_.push_back(std::move(work));
    if (idle_count_ < waiting_.size() && threads_.size() < threads_max_) {
      threads_.emplace_back([this] { Run(); });
    }
  }
  changed_.notify_one();
}

void Workers::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_count_;
    changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    --idle_count_;
    if (ending_) return;
    std::function<void()> work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    work();
    work = nullptr;  // what it holds goes before the next
    lock.lock();
  }
}

}  // namespace spoor::http
