// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "base/archive.hpp"
#include "event/event.hpp"
#include "store/segment_writer.hpp"

namespace spoor::ingest {

/// The door of the tables: events whose numbers cannot be (event/number_range.hpp) come in with
/// numbers that can, and are counted, so that one of them does not spoil the arithmetic of every
/// question. Not thread-safe.
class RangeDoor {
 public:
  /// `event`, or where it has a number out of range a copy brought into range, which is valid until
  /// the next call.
  const event::Event& Admit(const event::Event& event);

  /// Writes a row of gap, class "malformed", for each host that had such events since the last
  /// call.
  void WriteGaps(const std::string& recording_id, store::SegmentWriter& rows);

  /// Its state for base/archive.hpp; include ingest/state_walk.hpp to use it.
  template <typename Archive>
  void Walk(Archive& archive) {
    last_ = nullptr;
    archive(boots_);
  }

 private:
  /// Of one boot of one host.
  struct Boot {
    bool has_clock = false;          ///< there was an event whose times were possible
    std::uint64_t last_boot_ns = 0;  ///< of the last such event
    std::int64_t wall_minus_boot_ns = 0;
    std::uint64_t malformed_count = 0;
    std::uint64_t from_boot_ns = 0, until_boot_ns = 0;
    std::int64_t from_wall_ns = 0, until_wall_ns = 0;

    template <typename Archive>
    void Walk(Archive& archive) {
      archive(has_clock, last_boot_ns, wall_minus_boot_ns, malformed_count, from_boot_ns,
              until_boot_ns, from_wall_ns, until_wall_ns);
    }
  };
  using Key = std::pair<std::string, std::string>;  // host, boot_id

  Boot& BootOf(const event::Event& event);
  static void Count(const event::Event& event, Boot& boot);

  std::map<Key, Boot> boots_;
  std::map<Key, Boot>::value_type* last_ = nullptr;
  event::Event mended_;
};

}  // namespace spoor::ingest
