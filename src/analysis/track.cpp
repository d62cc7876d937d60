// SPDX-License-Identifier: Apache-2.0
#include "analysis/track.hpp"

#include "base/time.hpp"
#include "causality/graph.hpp"
#include "store/lookup.hpp"

namespace spoor::analysis {

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
                                  const causality::TraceOptions& options) {
  ASSIGN_OR_RETURN(const causality::Graph graph,
                   causality::Graph::Load(store, {.from_wall_ns = options.from_wall_ns,
                                                  .until_wall_ns = options.until_wall_ns}));
  causality::Subgraph subgraph = causality::Trace(graph, start_ids, options);
  RETURN_IF_ERROR(causality::Describe(store, subgraph));
  return subgraph;
}

}  // namespace spoor::analysis
