// SPDX-License-Identifier: Apache-2.0
#include "http/places.hpp"

#include <sys/socket.h>

#include <algorithm>

namespace spoor::http {

std::unique_ptr<Places::Place> Places::Take(const std::string& whose, int fd) {
  const std::lock_guard lock(mutex_);
  if (leaving_count_ >= limits_.of_all) return nullptr;
  if (const auto found = held_.find(whose);
      found != held_.end() && found->second.leaving_count >= limits_.of_one) {
    return nullptr;
  }
  std::unique_ptr<Place> place(new Place(*this, whose, fd));
  place->number_ = ++number_;
  Held& own = held_[whose];
  own.staying.emplace(place->number_, place.get());
  ++staying_count_;
  if (own.staying.size() > limits_.of_one) {
    CutOffOldest(own);
  } else if (staying_count_ > limits_.of_all) {
    CutOffOldest(Busiest());
  }
  return place;
}

void Places::CutOffOldest(Held& held) {
  Place& oldest = *held.staying.begin()->second;
  // Wakes the thread that waits for it. The file descriptor is open while the place is held.
  oldest.cut_off_ = true;
  ::shutdown(oldest.fd_, SHUT_RDWR);
  held.staying.erase(held.staying.begin());
  --staying_count_;
  ++held.leaving_count;
  ++leaving_count_;
}

// Of several, whose oldest is the oldest.
Places::Held& Places::Busiest() {
  const auto fewer_or_later = [](const auto& a, const auto& b) {
    const Held& left = a.second;
    const Held& right = b.second;
    if (left.staying.size() != right.staying.size()) {
      return left.staying.size() < right.staying.size();
    }
    return !left.staying.empty() && left.staying.begin()->first > right.staying.begin()->first;
  };
  return std::ranges::max_element(held_, fewer_or_later)->second;
}

void Places::Leave(const Place& place) {
  const std::lock_guard lock(mutex_);
  const auto found = held_.find(place.whose_);
  Held& held = found->second;
  if (held.staying.erase(place.number_) != 0) {
    --staying_count_;
  } else {
    --held.leaving_count;
    --leaving_count_;
  }
  if (held.staying.empty() && held.leaving_count == 0) held_.erase(found);
}

}  // namespace spoor::http
