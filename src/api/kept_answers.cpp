// SPDX-License-Identifier: Apache-2.0
#include "api/kept_answers.hpp"

namespace spoor::api {

std::optional<http::Answer> KeptAnswers::Find(const std::string& asked) {
  const std::scoped_lock lock(mutex_);
  const auto found = by_asked_.find(asked);
  if (found == by_asked_.end()) return std::nullopt;
  kept_.splice(kept_.begin(), kept_, found->second);
  return found->second->answer;
}

void KeptAnswers::Keep(const std::string& asked, const http::Answer& answer) {
  if (answer.status != 200 || answer.stream) return;
  Kept kept{.asked = asked, .answer = answer};
  const std::size_t bytes = BytesOf(kept);
  if (bytes > bytes_max_ / 8) return;
  const std::scoped_lock lock(mutex_);
  if (by_asked_.contains(asked)) return;
  kept_.push_front(std::move(kept));
  by_asked_[asked] = kept_.begin();
  for (bytes_ += bytes; bytes_ > bytes_max_;) {
    bytes_ -= BytesOf(kept_.back());
    by_asked_.erase(kept_.back().asked);
    kept_.pop_back();
  }
}

}  // namespace spoor::api
