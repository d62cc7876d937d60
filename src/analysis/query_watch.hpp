// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "store/store.hpp"

namespace spoor::analysis {

/// What a watch looks at and tells, all from a thread of its own, ten times a second or more often.
struct QueryWatchOptions {
  std::chrono::nanoseconds time_max{};  ///< 0: none
  std::string limit_name{};             ///< what stands behind the limit where it is told
  std::function<bool()> cancelled{};    ///< true: the queries are to end
  /// 0..1, after the first two seconds, where it is known.
  std::function<void(double)> progress{};
  std::function<void()> progress_over{};  ///< after the last of these, if there were any
  /// Called when the queries did not end long after `time_max`, though they were interrupted, with
  /// the reason.
  std::function<void(const std::string& reason)> did_not_end{};
};

/// While it lives, the queries of `store` show how far they are and end early: when it is said so,
/// or when they take longer than they may.
class QueryWatch {
 public:
  QueryWatch(store::Store& store, QueryWatchOptions options);
  QueryWatch(const QueryWatch&) = delete;
  QueryWatch& operator=(const QueryWatch&) = delete;
  ~QueryWatch();

 private:
  void Run(const std::stop_token& stop);
  void EndLate(std::chrono::nanoseconds taken);

  store::Store& store_;
  const QueryWatchOptions options_;
  std::jthread thread_;
};

}  // namespace spoor::analysis
