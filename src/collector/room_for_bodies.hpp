// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace spoor::collector {

/// What bodies that are being received may hold in memory, of one sensor and of all. Who finds no
/// room waits, and TCP holds back the sensor.
class RoomForBodies {
 public:
  static constexpr std::uint64_t kBytesMax = 128 << 20;  ///< most of what a collector needs
  static constexpr std::uint64_t kOfOneSensorBytesMax = 16 << 20;
  /// How long a parcel waits.
  static constexpr std::chrono::seconds kWaitMax{60};

  /// False: there was none in time.
  bool Take(const std::string& sensor, std::uint64_t size_bytes) {
    std::unique_lock lock(mutex_);
    const bool fits = changed_.wait_for(lock, kWaitMax, [&] {
      return taken_bytes_ + size_bytes <= kBytesMax &&
             taken_of_[sensor] + size_bytes <= kOfOneSensorBytesMax;
    });
    if (!fits) return false;
    taken_bytes_ += size_bytes;
    taken_of_[sensor] += size_bytes;
    return true;
  }
  void GiveBack(const std::string& sensor, std::uint64_t size_bytes) {
    {
      const std::lock_guard lock(mutex_);
      taken_bytes_ -= size_bytes;
      taken_of_[sensor] -= size_bytes;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t taken_bytes_ = 0;
  std::map<std::string, std::uint64_t> taken_of_;
};

/// One body's, until it is answered.
class Room {
 public:
  Room(RoomForBodies& room, std::string sensor, std::uint64_t size_bytes)
      : room_(room),
        sensor_(std::move(sensor)),
        size_bytes_(size_bytes),
        taken_(room.Take(sensor_, size_bytes)) {}
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  ~Room() {
    if (taken_) room_.GiveBack(sensor_, size_bytes_);
  }
  bool taken() const { return taken_; }

 private:
  RoomForBodies& room_;
  const std::string sensor_;
  const std::uint64_t size_bytes_;
  const bool taken_;
};

}  // namespace spoor::collector
