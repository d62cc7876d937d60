// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "api/graph_seed.hpp"
#include "api/json.hpp"
#include "api/snapshot.hpp"
#include "base/result.hpp"
#include "causality/trace.hpp"

namespace spoor::api {

/// The processes of one graph: those of its path, the ancestors that join them into trees, and,
/// when whole trees are asked for, all others of their hosts; and what is told of each.
class GraphProcesses {
 public:
  /// All of these outlive it. `limit`: of processes, for AddTrees.
  GraphProcesses(store::Store& store, const Snapshot::Sessions& sessions, const GraphSeed& seed,
                 std::size_t limit)
      : store_(store), sessions_(sessions), seed_(seed), limit_(limit) {}

  void Add(std::int64_t id);
  bool Has(std::int64_t id) const { return known_.contains(id); }
  /// Those that join what is there into trees.
  Result<> AddAncestors();
  /// All other processes of the sessions and hosts concerned, those of sessions first. Returns how
  /// many were left out.
  Result<std::size_t> AddTrees();
  /// Reads what is told of them; after this nothing is added.
  Result<> ReadRows();
  /// In the order in which they were added.
  const std::vector<std::int64_t>& ids() const { return ids_; }
  /// Null: the store has no row of it.
  const Json* Row(std::int64_t id) const;
  /// One that has a row, as openapi.yaml describes it. `node`: of the path; null where it is on
  /// none.
  Json ToJson(std::int64_t id, const causality::SubgraphNode* node) const;

 private:
  using Counts = std::unordered_map<std::int64_t, std::int64_t>;
  Result<> Count(Counts& counts, const std::string& sql);
  const Json* ExecAt(std::int64_t id) const;

  store::Store& store_;
  const Snapshot::Sessions& sessions_;
  const GraphSeed& seed_;
  const std::size_t limit_;
  std::vector<std::int64_t> ids_;
  std::unordered_set<std::int64_t> known_;
  std::unordered_map<std::int64_t, Json> rows_;
  std::unordered_map<std::int64_t, std::vector<Json>> execs_;
  Counts files_read_, files_written_, flows_, children_, typed_, rises_;
};

}  // namespace spoor::api
