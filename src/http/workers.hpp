// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace spoor::http {

/// Threads that are made when there is something to do for them, at most so many. What waits is
/// done in the order in which it came. Safe from any thread.
class Workers {
 public:
  explicit Workers(std::size_t threads_max) : threads_max_(threads_max) {}
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  /// Waits for what is being done; what waits is dropped.
  ~Workers();
  void Do(std::function<void()> work);

 private:
  void Run();

  const std::size_t threads_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  std::size_t idle_count_ = 0;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace spoor::http
