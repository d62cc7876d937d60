// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "base/result.hpp"

namespace spoor::sensor {

/// Reads the entries of a BPF ring buffer. The page that says how far it was read must stay
/// writable, and root can map it, too: this reader keeps the place to itself, so that a changed
/// page loses no more than the kernel wrote over, and counts every change that it finds. Not
/// thread-safe.
class RingReader {
 public:
  /// What is shared with the kernel; lives as long as the reader.
  struct Memory {
    std::uint64_t* consumer_position;        ///< ours to write
    const std::uint64_t* producer_position;  ///< the kernel's
    /// The entries, twice in a row, so that one that goes over the end is in one piece.
    std::span<const std::byte> data_twice;
  };
  explicit RingReader(const Memory& memory);
  /// Maps the ring behind `map_fd`, of `size_bytes` (a power of two). Fails: kIo.
  static Result<std::unique_ptr<RingReader>> Map(int map_fd, std::size_t size_bytes);
  RingReader(const RingReader&) = delete;
  RingReader& operator=(const RingReader&) = delete;
  ~RingReader();

  /// Takes an entry, whose bytes live only during the call; false: no more for now.
  using Take = std::function<bool(std::span<const std::byte> entry)>;
  /// Hands over what is there, up to an entry that is still being written.
  void Read(const Take& take);
  /// How often somebody else had moved the place that was read up to, or the kernel, misled by
  /// that, had written over what was not read yet.
  std::uint64_t interference_count() const { return interference_count_; }

 private:
  struct Mappings;
  void Release() const;

  Memory memory_;
  std::uint64_t size_bytes_;
  std::uint64_t position_;
  std::uint64_t interference_count_ = 0;
  std::unique_ptr<Mappings> mappings_;  // of Map
};

}  // namespace spoor::sensor
