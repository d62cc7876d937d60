// SPDX-License-Identifier: Apache-2.0
#include "analysis/track.hpp"

#include <charconv>
#include <unordered_map>
#include <utility>

#include "analysis/root_steps.hpp"
#include "base/time.hpp"
#include "causality/graph.hpp"
#include "store/lookup.hpp"
#include "store/row.hpp"

namespace spoor::analysis {
namespace {

constexpr const char* kDamaged =
    "the causal index holds what cannot be; it is derived data and is made again";

/// Which connections of the graph have an alert, of whatever observer.
Result<> MarkAlerts(store::Store& store, causality::Subgraph& subgraph) {
  std::unordered_map<std::int64_t, causality::SubgraphNode*> nodes;
  for (causality::SubgraphNode& node : subgraph.nodes) {
    if (!node.is_network_flow) continue;
    nodes[node.id] = &node;
    if (node.peer_id != 0) nodes[node.peer_id] = &node;
  }
  if (nodes.empty()) return {};
  // Which flows are of one connection costs: it is asked where there are alerts alone.
  ASSIGN_OR_RETURN(const std::vector<std::int64_t> alerts,
                   store::ReadIntegers(store, "SELECT alert_id FROM _alert_seen LIMIT 1", {}));
  if (alerts.empty()) return {};
  ASSIGN_OR_RETURN(
      const std::vector<std::int64_t> flows,
      store::ReadIntegers(
          store,
          "WITH alerted AS (SELECT DISTINCT flow_id FROM _alert_seen WHERE flow_id IS NOT NULL) "
          "SELECT flow_id FROM alerted UNION SELECT s.flow_id FROM flow AS s JOIN flow AS o ON "
          "o.connection_id = s.connection_id WHERE s.observer = 'sensor' AND o.flow_id IN (SELECT "
          "flow_id FROM alerted)",
          {}));
  for (const std::int64_t flow : flows) {
    const auto node = nodes.find(flow);
    if (node != nodes.end()) node->second->has_alert = true;
  }
  return {};
}

/// What `ask` makes of the graph, described.
template <typename Ask>
Result<causality::Subgraph> AskGraph(store::Store& store, const causality::TraceOptions& options,
                                     const causal_index::OpenIndexOptions& opening, Ask&& ask) {
  const auto ask_index = [&](const std::shared_ptr<const causal_index::Index>& index) {
    causality::Graph graph(index,
                           {.from_ns = options.from_wall_ns, .until_ns = options.until_wall_ns});
    return ask(graph);
  };
  ASSIGN_OR_RETURN(auto index, causal_index::OpenIndex(store, opening));
  causality::Subgraph subgraph = ask_index(index);
  if (index->damaged()) {
    if (opening.tell) opening.tell(kDamaged);
    causal_index::OpenIndexOptions anew = opening;
    anew.anew = true;
    ASSIGN_OR_RETURN(index, causal_index::OpenIndex(store, anew));
    subgraph = ask_index(index);
  }
  RETURN_IF_ERROR(causality::Describe(store, *index, subgraph));
  RETURN_IF_ERROR(AddRootSteps(store, subgraph));
  RETURN_IF_ERROR(MarkAlerts(store, subgraph));
  return subgraph;
}

Result<std::int64_t> EventIdOf(const std::string& text) {
  std::int64_t id = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, id);
  if (error != std::errc() || stop != end || id <= 0) {
    return Fail(ErrorCode::kInvalidArgument, "'{}' is not an event_id", text);
  }
  return id;
}

/// The process, and what it did something to, of an event.
Result<std::vector<std::int64_t>> FindEvent(store::Store& store, const std::string& text) {
  ASSIGN_OR_RETURN(const std::int64_t id, EventIdOf(text));
  std::vector<std::int64_t> ids;
  RETURN_IF_ERROR(store::ForEachRow(
      store,
      "SELECT kind, process_id, coalesce(object_id, other_process_id) FROM event WHERE "
      "event_id = $1 LIMIT 1",
      {id}, [&ids](const std::vector<store::Value>& row) {
        const auto kind = event::EventKindOf(store::TextOf(row[0]));
        const auto process = store::IntegerOf(row[1]);
        const auto other = store::IntegerOf(row[2]);
        if (process) ids.push_back(*process);
        const event::Dependence dependence =
            kind ? event::TraitsOf(*kind).dependence : event::Dependence::kNone;
        if (other && dependence != event::Dependence::kObjectToProcess) ids.push_back(*other);
      }));
  if (ids.empty()) return Fail(ErrorCode::kNotFound, "no event '{}' in the store", text);
  return ids;
}

}  // namespace

Result<std::vector<std::int64_t>> FindStart(store::Store& store, const TrackStart& start) {
  if (start.kind == TrackStart::Kind::kFile) return store::FindFile(store, start.text);
  if (start.kind == TrackStart::Kind::kAlert) return store::FindAlert(store, start.text);
  if (start.kind == TrackStart::Kind::kEvent) return FindEvent(store, start.text);
  if (start.kind == TrackStart::Kind::kFlow) {
    ASSIGN_OR_RETURN(const std::int64_t flow_id, store::FindFlow(store, start.text));
    return store::FindRecordedFlows(store, flow_id);
  }
  ASSIGN_OR_RETURN(const std::int64_t process_id, store::FindProcess(store, start.text));
  return std::vector{process_id};
}

Result<std::vector<std::int64_t>> FindAnything(store::Store& store, const std::string& text) {
  using Kind = TrackStart::Kind;
  static constexpr std::pair<std::string_view, Kind> kPrefixes[] = {{"alert:", Kind::kAlert},
                                                                    {"event:", Kind::kEvent},
                                                                    {"file:", Kind::kFile},
                                                                    {"flow:", Kind::kFlow},
                                                                    {"process:", Kind::kProcess}};
  for (const auto& [prefix, kind] : kPrefixes) {
    if (text.starts_with(prefix)) return FindStart(store, {kind, text.substr(prefix.size())});
  }
  if (text.front() == '/') return store::FindFile(store, text);
  const Result<std::int64_t> process_id = store::FindProcess(store, text);
  if (process_id) return std::vector{*process_id};
  const Result<std::int64_t> flow_id = store::FindFlow(store, text);
  if (flow_id) return store::FindRecordedFlows(store, *flow_id);
  return store::FindFile(store, text);
}

Result<> KeepToEvent(store::Store& store, const TrackStart& start,
                     const std::vector<std::int64_t>& ids, causality::TraceOptions& options) {
  if (start.kind != TrackStart::Kind::kEvent) return {};
  ASSIGN_OR_RETURN(const std::int64_t event_id, EventIdOf(start.text));
  return store::ForEachRow(
      store,
      "SELECT wall_ns, _plus(wall_ns, _minus(end_boot_ns, boot_ns)) FROM event WHERE "
      "event_id = $1 LIMIT 1",
      {event_id}, [&](const std::vector<store::Value>& row) {
        const auto begin = store::IntegerOf(row[0]);
        const auto end = store::IntegerOf(row[1]);
        for (const std::int64_t id : ids) {
          if (begin) options.effects_from_wall_ns[id] = *begin;
          if (begin) options.causes_until_wall_ns[id] = end.value_or(*begin);
        }
      });
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
  return AskGraph(store, options, opening, [&](causality::Graph& graph) {
    return causality::Trace(graph, start_ids, options);
  });
}

Result<causality::Subgraph> TrackWay(store::Store& store,
                                     const std::vector<std::int64_t>& start_ids,
                                     const std::vector<std::int64_t>& end_ids,
                                     const causality::TraceOptions& options,
                                     const causal_index::OpenIndexOptions& opening) {
  return AskGraph(store, options, opening, [&](causality::Graph& graph) {
    return causality::ShortestWay(graph, start_ids, end_ids, options);
  });
}

}  // namespace spoor::analysis
