// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <set>
#include <string>

#include "api/snapshot.hpp"
#include "base/result.hpp"
#include "store/store.hpp"

namespace spoor::api {

/// What came since the server began, for streams that can be resumed. Ids are "BEGIN-NUMBER", so
/// that one of an earlier run of the server is known. Safe from any thread.
class EventHub {
 public:
  struct Event {
    std::uint64_t number = 0;
    std::string name;  ///< alert, session, gap, evidence, stored
    std::string data;  ///< JSON on one line
  };
  EventHub();
  void Publish(const std::string& name, const std::string& data);
  /// Publishes what `snapshot` has and the ones before had not: nothing of the first.
  Result<> Compare(Snapshot& snapshot, store::Store& store);

  /// The next event behind `number`, waited for as long as that; nothing: none came. Where those
  /// behind it are no longer kept, or `number` is not of this run, the oldest that is.
  std::optional<Event> Next(std::uint64_t number, std::chrono::milliseconds wait_max);
  std::string IdOf(std::uint64_t number) const;
  /// The place of an id in this run; nothing: of another run, or none.
  std::optional<std::uint64_t> NumberOf(std::string_view id) const;
  std::uint64_t last_number() const;

 private:
  const std::string begin_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Event> events_;
  std::uint64_t last_number_ = 0;
  // By the one thread that compares.
  bool compared_ = false;
  std::set<std::string> alerts_, gaps_;
  std::set<std::int64_t> typed_in_;
};

/// The span that anything is stored of, and how much the clock of each host is known.
inline constexpr std::string_view kSpanSql =
    "SELECT least((SELECT min(e.wall_ns) FROM event AS e), (SELECT min(f.begin_wall_ns) FROM flow "
    "AS "
    "f), (SELECT min(a.wall_ns) FROM alert AS a)) AS first_wall_ns, greatest((SELECT "
    "max(e.wall_ns) "
    "FROM event AS e), (SELECT max(f.end_wall_ns) FROM flow AS f), (SELECT max(a.wall_ns) FROM "
    "alert "
    "AS a)) AS last_wall_ns";

inline constexpr std::string_view kGapSql =
    "SELECT g.host_id, g.from_wall_ns, g.until_wall_ns, g.loss_class, g.count, g.reason, "
    "g.recording_id FROM gap AS g ORDER BY g.from_wall_ns, g.until_wall_ns, g.loss_class, g.reason";

}  // namespace spoor::api
