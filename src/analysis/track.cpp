// SPDX-License-Identifier: Apache-2.0
#include "analysis/track.hpp"

#include "base/time.hpp"
#include "causality/graph.hpp"
#include "store/lookup.hpp"

namespace spoor::analysis {
namespace {

constexpr const char* kDamaged =
    "the causal index holds what cannot be; it is derived data and is made again";

causality::Subgraph TraceIn(const std::shared_ptr<const causal_index::Index>& index,
                            const std::vector<std::int64_t>& start_ids,
                            const causality::TraceOptions& options) {
  causality::Graph graph(index,
                         {.from_ns = options.from_wall_ns, .until_ns = options.until_wall_ns});
  return causality::Trace(graph, start_ids, options);
}

}  // namespace

Result<std::vector<std::int64_t>> FindStart(store::Store& store, const TrackStart& start) {
  if (start.kind == TrackStart::Kind::kFile) return store::FindFile(store, start.text);
  if (start.kind == TrackStart::Kind::kAlert) return store::FindAlert(store, start.text);
  if (start.kind == TrackStart::Kind::kFlow) {
    ASSIGN_OR_RETURN(const std::int64_t flow_id, store::FindFlow(store, start.text));
    return store::FindRecordedFlows(store, flow_id);
  }
  ASSIGN_OR_RETURN(const std::int64_t process_id, store::FindProcess(store, start.text));
  return std::vector{process_id};
}

Result<std::vector<std::int64_t>> FindAnything(store::Store& store, const std::string& text) {
  if (text.front() == '/') return store::FindFile(store, text);
  const Result<std::int64_t> process_id = store::FindProcess(store, text);
  if (process_id) return std::vector{*process_id};
  const Result<std::int64_t> flow_id = store::FindFlow(store, text);
  if (flow_id) return store::FindRecordedFlows(store, *flow_id);
  return store::FindFile(store, text);
}

Result<Period> Period::Parse(const std::string& from, const std::string& until,
                             std::int64_t now_wall_ns) {
  Period period;
  if (!from.empty()) {
    ASSIGN_OR_RETURN(period.from_wall_ns, ParseWallTime(from, now_wall_ns));
  }
  if (!until.empty()) {
    ASSIGN_OR_RETURN(period.until_wall_ns, ParseWallTime(until, now_wall_ns));
  }
  return period;
}

Result<causality::Subgraph> Track(store::Store& store, const std::vector<std::int64_t>& start_ids,
                                  const causality::TraceOptions& options,
                                  const causal_index::OpenIndexOptions& opening) {
  ASSIGN_OR_RETURN(auto index, causal_index::OpenIndex(store, opening));
  causality::Subgraph subgraph = TraceIn(index, start_ids, options);
  if (index->damaged()) {
    if (opening.tell) opening.tell(kDamaged);
    causal_index::OpenIndexOptions anew = opening;
    anew.anew = true;
    ASSIGN_OR_RETURN(index, causal_index::OpenIndex(store, anew));
    subgraph = TraceIn(index, start_ids, options);
  }
  RETURN_IF_ERROR(causality::Describe(store, *index, subgraph));
  return subgraph;
}

}  // namespace spoor::analysis
