// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace spoor::http {

/// What bodies that are being received and answered may hold in memory, of one peer and of all. Who
/// finds no room waits, and TCP holds back the peer. Safe from any thread.
class RoomForBodies {
 public:
  struct Limits {
    std::uint64_t of_all_bytes = 128 << 20;
    std::uint64_t of_one_bytes = 16 << 20;
    std::chrono::milliseconds wait{60'000};  ///< for room
  };
  explicit RoomForBodies(const Limits& limits) : limits_(limits) {}

  /// One body's, until it is destroyed.
  class Room {
   public:
    Room(RoomForBodies& rooms, std::string whose, std::uint64_t size_bytes)
        : rooms_(rooms),
          whose_(std::move(whose)),
          size_bytes_(size_bytes),
          taken_(rooms.Take(whose_, size_bytes)) {}
    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;
    ~Room() {
      if (taken_) rooms_.GiveBack(whose_, size_bytes_);
    }
    /// False: there was none in time.
    bool taken() const { return taken_; }

   private:
    RoomForBodies& rooms_;
    const std::string whose_;
    const std::uint64_t size_bytes_;
    const bool taken_;
  };

 private:
  bool Take(const std::string& whose, std::uint64_t size_bytes) {
    if (size_bytes == 0) return true;
    std::unique_lock lock(mutex_);
    const auto fits = [&] {
      const auto own = taken_of_.find(whose);
      const std::uint64_t own_bytes = own == taken_of_.end() ? 0 : own->second;
      return taken_bytes_ + size_bytes <= limits_.of_all_bytes &&
             own_bytes + size_bytes <= limits_.of_one_bytes;
    };
    if (!changed_.wait_for(lock, limits_.wait, fits)) return false;
    taken_bytes_ += size_bytes;
    taken_of_[whose] += size_bytes;
    return true;
  }
  void GiveBack(const std::string& whose, std::uint64_t size_bytes) {
    if (size_bytes == 0) return;
    {
      const std::lock_guard lock(mutex_);
      taken_bytes_ -= size_bytes;
      const auto own = taken_of_.find(whose);
      own->second -= size_bytes;
      if (own->second == 0) taken_of_.erase(own);
    }
    changed_.notify_all();
  }

  const Limits limits_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t taken_bytes_ = 0;
  std::map<std::string, std::uint64_t> taken_of_;
};

}  // namespace spoor::http
