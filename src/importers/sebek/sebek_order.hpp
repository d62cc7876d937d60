// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "importers/sebek/sebek_record.hpp"

namespace spoor::importers {

/// A record that waits for its turn, with its own copy of the bytes.
struct HeldRecord {
  SebekRecord record;  ///< its data is in `data`
  std::string data;
};

/// Puts the records of one sender into the order of their counters: UDP may turn them around, show
/// them twice and lose them. Memory: kWaitingMax records and kKnownMax counters. Not thread-safe.
class SebekOrder {
 public:
  static constexpr std::size_t kWaitingMax = 256;
  static constexpr std::size_t kKnownMax = 4096;

  struct Loss {
    std::uint64_t count = 0;
    std::uint32_t first_counter = 0;
    std::int64_t from_wall_ns = 0, until_wall_ns = 0;
  };
  struct Visit {
    std::function<void(const HeldRecord&)> record;
    std::function<void(const Loss&)> loss;
  };

  /// Calls `visit` for what is in order now. Counters that begin again (the client was loaded once
  /// more) are a sequence of their own, and nothing is lost between the two.
  void Take(HeldRecord held, const Visit& visit);
  /// No more records come.
  void Finish(const Visit& visit);

 private:
  void Pass(std::size_t keep_count, const Visit& visit);

  bool begun_ = false;
  std::uint32_t next_ = 0;
  std::int64_t last_wall_ns_ = 0;
  std::map<std::uint32_t, HeldRecord> waiting_;   // by how far ahead of base_ the counter is
  std::uint32_t base_ = 0;                        // of the keys of waiting_
  std::map<std::uint32_t, std::uint64_t> known_;  // counter → what was in the record
};

}  // namespace spoor::importers
