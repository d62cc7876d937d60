// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace spoor::http {

/// Whose connections are held at a time. Who comes when all places are taken gets the oldest of
/// whoever has most, so that one who opens many takes them from nobody else. Safe from any thread.
class Places {
 public:
  struct Limits {
    std::size_t of_all = 0;
    std::size_t of_one = 0;  ///< a further one of theirs takes their oldest
  };
  /// One connection's, until it is destroyed, which must be before `fd` is closed.
  class Place {
   public:
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { places_.Leave(*this); }
    /// Whether it went to another: the connection is shut down and is to end at once.
    bool cut_off() const { return cut_off_; }

   private:
    friend class Places;
    Place(Places& places, std::string whose, int fd)
        : places_(places), whose_(std::move(whose)), fd_(fd) {}

    Places& places_;
    const std::string whose_;
    const int fd_;
    std::uint64_t number_ = 0;
    std::atomic<bool> cut_off_ = false;
  };

  /// Both limits at least 1.
  explicit Places(const Limits& limits) : limits_(limits) {}
  /// Null: as many as there are places were cut off and have not ended yet.
  std::unique_ptr<Place> Take(const std::string& whose, int fd);

 private:
  struct Held {
    std::map<std::uint64_t, Place*> staying;  ///< the oldest first
    std::size_t leaving_count = 0;            ///< cut off, and not gone yet
  };
  void CutOffOldest(Held& held);
  Held& Busiest();
  void Leave(const Place& place);

  const Limits limits_;
  std::mutex mutex_;
  std::uint64_t number_ = 0;
  std::map<std::string, Held> held_;
  std::size_t staying_count_ = 0;
  std::size_t leaving_count_ = 0;
};

}  // namespace spoor::http
