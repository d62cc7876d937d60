// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>

namespace spoor::collector {

/// What waits to be done for several who must not hold each other up: one of each in turn, and of
/// each in the order in which it came. Not thread-safe.
template <typename Item>
class Turns {
 public:
  bool empty() const { return order_.empty(); }
  void Add(const std::string& whose, Item item) { WaitingOf(whose).push_back(std::move(item)); }
  /// Puts back what was taken and is not done: it is the first of theirs again.
  void PutBack(const std::string& whose, Item item) {
    WaitingOf(whose).push_front(std::move(item));
  }
  /// Of whoever waits longest for a turn. Not when empty.
  Item Take() {
    const auto found = waiting_.find(order_.front());
    order_.pop_front();
    Item item = std::move(found->second.front());
    found->second.pop_front();
    if (found->second.empty()) {
      waiting_.erase(found);
    } else {
      order_.push_back(found->first);
    }
    return item;
  }

 private:
  std::deque<Item>& WaitingOf(const std::string& whose) {
    const auto [found, is_new] = waiting_.try_emplace(whose);
    if (is_new) order_.push_back(whose);
    return found->second;
  }

  std::map<std::string, std::deque<Item>> waiting_;
  std::deque<std::string> order_;  ///< all who have something waiting, each once
};

}  // namespace spoor::collector
