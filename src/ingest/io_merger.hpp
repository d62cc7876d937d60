// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>

#include "base/archive.hpp"
#include "ingest/event_row.hpp"

namespace spoor::ingest {

/// How often something flowed into and out of a process or object.
struct FlowCounters {
  std::uint64_t in_count = 0, out_count = 0;
};

/// Merges repeated reads, writes, sends and receives into one row under the causality-preserving
/// rule (CPR; Xu et al., CCS 2016, "full trackability"): two events from u to v become one exactly
/// when nothing flowed into u and nothing flowed out of v between them. Forward and backward
/// reachability stay as they were at every instant.
///
/// Streaming form: an event remembers u.in_count and v.out_count; it takes the next one in when
/// both are unchanged. Every event then bumps u.out_count and v.in_count, so that no event ends its
/// own run. Right for events in the order of time, stamped at their end. Not thread-safe.
class IoMerger {
 public:
  using Sink = std::function<void(const EventRow&)>;
  explicit IoMerger(Sink sink) : sink_(std::move(sink)) {}

  /// Takes an event that moved `row.size_bytes` (of a kind of event::MovesBytes) between its
  /// process and its object. `descriptor`: a number for what the descriptor stood for, so that rows
  /// never span a close. Returns the event_id of the row that it becomes part of.
  std::int64_t Add(const EventRow& row, std::uint64_t descriptor, FlowCounters& process,
                   FlowCounters& object);

  /// Hands everything that is held to the sink.
  void Flush();

  /// Its state for base/archive.hpp; include ingest/state_walk.hpp to use it.
  template <typename Archive>
  void Walk(Archive& archive) {
    archive(held_);
  }

 private:
  struct Key {
    std::int64_t process_id = 0, object_id = 0;
    std::uint64_t descriptor = 0;
    std::int64_t failure = 0;  // 0: bytes were moved, 1: none, else -errno
    std::uint32_t tid = 0, uid = 0, euid = 0;
    event::EventKind kind = event::EventKind::kRead;
    bool operator==(const Key&) const = default;

    template <typename Archive>
    void Walk(Archive& archive) {
      archive(process_id, object_id, descriptor, failure, tid, uid, euid);
      WalkEnum(archive, kind, event::kEventKindCount);
    }
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const;
  };
  struct Held {
    EventRow row;
    std::uint64_t source_in_count = 0, target_out_count = 0;

    template <typename Archive>
    void Walk(Archive& archive) {
      archive(row, source_in_count, target_out_count);
    }
  };

  Sink sink_;
  std::unordered_map<Key, Held, KeyHash> held_;
};

}  // namespace spoor::ingest
