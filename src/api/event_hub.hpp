// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "api/snapshot.hpp"
#include "base/result.hpp"
#include "store/store.hpp"

namespace spoor::api {

/// What came since the server began, for streams that can be resumed. Ids are "BEGIN-NUMBER", so
/// that one of an earlier run of the server is known. Each thing is told once, whoever finds it
/// first. Safe from any thread.
class EventHub {
 public:
  struct Event {
    std::uint64_t number = 0;
    std::string name;              ///< alert, session, gap, evidence, stored
    std::string data;              ///< JSON on one line
    std::uint64_t generation = 0;  ///< of the catalog it came with; 0: it is of none
  };
  EventHub();
  void Publish(const std::string& name, const std::string& data, std::uint64_t generation = 0);
  /// Publishes what `snapshot` has and nobody told yet: of the first that can be read nothing. From
  /// one thread.
  Result<> Compare(Snapshot& snapshot, store::Store& store);
  /// Of the last snapshot that was compared, whose things are all known; nothing: none was.
  std::optional<std::uint64_t> compared_generation() const;
  /// An alert as openapi.yaml describes it, unless it is known.
  void TellAlert(const std::string& key, const Json& alert, std::uint64_t generation);
  /// What a session did until its first input, the same.
  void TellFirstInput(std::int64_t session_id, const Json& input, std::uint64_t generation);
  bool KnowsInputOf(std::int64_t session_id);

  /// The next event behind `number`, waited for as long as that; nothing: none came. Where those
  /// behind it are no longer kept, or `number` is not of this run, the oldest that is.
  std::optional<Event> Next(std::uint64_t number, std::chrono::milliseconds wait_max);
  std::string IdOf(std::uint64_t number) const;
  /// The place of an id in this run; nothing: of another run, or none.
  std::optional<std::uint64_t> NumberOf(std::string_view id) const;
  std::uint64_t last_number() const;
  /// The catalog that whoever knows the event of this id has heard of; 0: any will do.
  std::uint64_t GenerationOf(std::string_view id) const;

 private:
  void PublishLocked(const std::string& name, const std::string& data, std::uint64_t generation);

  const std::string begin_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Event> events_;
  std::uint64_t last_number_ = 0;
  std::optional<std::uint64_t> compared_;
  std::set<std::string> alerts_, gaps_;
  std::set<std::int64_t> typed_in_;
};

/// The span that anything is stored of, and how much the clock of each host is known.
inline constexpr std::string_view kSpanSql = R"(
SELECT least((SELECT min(e.wall_ns) FROM event AS e), (SELECT min(f.begin_wall_ns) FROM _flow_seen AS f),
             (SELECT min(a.wall_ns) FROM _alert_seen AS a)) AS first_wall_ns,
       greatest((SELECT max(e.wall_ns) FROM event AS e), (SELECT max(f.end_wall_ns) FROM _flow_seen AS f),
                (SELECT max(a.wall_ns) FROM _alert_seen AS a)) AS last_wall_ns)";

inline constexpr std::string_view kGapSql =
    "SELECT g.host_id, g.from_wall_ns, g.until_wall_ns, g.loss_class, g.count, g.reason, "
    "g.recording_id FROM gap AS g ORDER BY g.from_wall_ns, g.until_wall_ns, g.loss_class, g.reason";

}  // namespace spoor::api
