// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "http/message.hpp"

namespace spoor::api {

/// Answers that were worked out, by what was asked: those that are asked for most recently, as far
/// as they fit into a bound. Safe from any thread.
class KeptAnswers {
 public:
  explicit KeptAnswers(std::size_t bytes_max = std::size_t{32} << 20) : bytes_max_(bytes_max) {}
  std::optional<http::Answer> Find(const std::string& asked);
  /// Keeps a whole, good answer; one that is streamed, failed or takes more than an eighth of the
  /// bound is not kept.
  void Keep(const std::string& asked, const http::Answer& answer);

 private:
  struct Kept {
    std::string asked;
    http::Answer answer;
  };
  static std::size_t BytesOf(const Kept& kept) {
    return 2 * kept.asked.size() + kept.answer.body.size();
  }

  const std::size_t bytes_max_;
  std::mutex mutex_;
  std::size_t bytes_ = 0;
  std::list<Kept> kept_;  ///< what was asked for last comes first
  std::unordered_map<std::string, std::list<Kept>::iterator> by_asked_;
};

}  // namespace spoor::api
