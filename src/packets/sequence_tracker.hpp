// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace spoor::packets {

/// Which bytes of one direction of a TCP connection have been seen. Remembers a few holes, so that
/// a segment that comes late is told from one that comes twice.
class SequenceTracker {
 public:
  bool started() const { return started_; }
  /// Number of the next byte that was not sent yet.
  std::uint32_t next() const { return next_; }

  void Start(std::uint32_t next) {
    started_ = true;
    next_ = next;
    hole_count_ = 0;
  }

  /// Takes the segment of `size` bytes from number `begin` on; returns how many were not seen
  /// before. Call after Start.
  std::uint32_t Take(std::uint32_t begin, std::uint32_t size);

 private:
  struct Hole {
    std::uint32_t begin = 0, end = 0;
  };
  static constexpr std::size_t kHolesMax = 4;

  void AddHole(Hole hole);

  std::uint32_t next_ = 0;
  bool started_ = false;
  std::uint8_t hole_count_ = 0;
  std::array<Hole, kHolesMax> holes_;
};

}  // namespace spoor::packets
