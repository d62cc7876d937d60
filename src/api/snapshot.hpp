// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/json.hpp"
#include "api/kept_answers.hpp"
#include "base/result.hpp"
#include "causal_index/index.hpp"
#include "replay/lines.hpp"
#include "store/store.hpp"

namespace spoor::api {

/// One session as openapi.yaml describes it, and what lists need of it.
struct SessionEntry {
  std::int64_t session_id = 0;
  std::int64_t host_id = 0;
  std::int64_t begin_wall_ns = INT64_MIN;  ///< INT64_MIN: not known
  std::int64_t end_wall_ns = INT64_MAX;    ///< INT64_MAX: not known
  Json json;
};

/// One alert as openapi.yaml describes it.
struct AlertEntry {
  std::string key;
  std::int64_t wall_ns = 0;
  std::optional<std::int64_t> host_id, flow_id, process_id;
  Json json;
};

/// What is worked out once for all requests that see one catalog: what takes a walk over everything
/// (sessions, findings, the causal index). Safe from any thread; whoever asks first works it out on
/// the store that is given.
class Snapshot {
 public:
  explicit Snapshot(std::uint64_t generation) : generation_(generation) {}
  std::uint64_t generation() const { return generation_; }

  /// What was answered out of this catalog.
  KeptAnswers& answers() { return answers_; }

  struct Sessions {
    std::vector<SessionEntry> list;                       ///< by begin
    std::unordered_map<std::int64_t, std::size_t> by_id;  ///< place in `list`
    std::unordered_map<std::int64_t, std::int64_t> of_process;
    std::map<std::int64_t, std::string> host_names;
    const SessionEntry* Find(std::int64_t session_id) const;
    /// Nothing: it belongs to none.
    std::optional<std::int64_t> Of(std::int64_t process_id) const;
    std::string HostName(std::int64_t host_id) const;
  };
  Result<std::shared_ptr<const Sessions>> sessions(store::Store& store);

  struct Alerts {
    std::vector<AlertEntry> list;  ///< the latest first
    std::map<std::string, std::size_t> by_key;
    std::unordered_multimap<std::int64_t, std::size_t> by_flow, by_process;
    const AlertEntry* Find(const std::string& key) const;
    Json OfFlow(std::int64_t flow_id) const;
    Json OfProcess(std::int64_t process_id) const;
  };
  Result<std::shared_ptr<const Alerts>> alerts(store::Store& store);

  /// What was typed and printed in sessions.
  struct Replays {
    struct Told {
      std::string subject;  ///< as `spoor replay` takes it
      std::string host;
      std::int64_t first_boot_ns = 0, wall_shift_ns = 0;
      std::map<std::int64_t, std::string> processes;  ///< "name[pid]"
      std::vector<replay::Line> lines;
    };
    std::vector<Told> list;
    bool truncated = false;  ///< there is more than is held
  };
  Result<std::shared_ptr<const Replays>> replays(store::Store& store);

  /// Of all times.
  Result<std::shared_ptr<const causal_index::Index>> causal_index(store::Store& store);

 private:
  const std::uint64_t generation_;
  KeptAnswers answers_;
  std::mutex mutex_;
  std::shared_ptr<const Sessions> sessions_;
  std::shared_ptr<const Alerts> alerts_;
  std::mutex replays_mutex_;  // so that nobody waits for all sessions to be read but who asks that
  std::shared_ptr<const Replays> replays_;
  std::shared_ptr<const causal_index::Index> causal_index_;
};

/// Answers the views that most questions of the API read now, once for all that are asked of
/// `store` from now on. Fails as store::Store::Keep.
Result<> KeepViews(store::Store& store);

}  // namespace spoor::api
