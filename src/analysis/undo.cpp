// SPDX-License-Identifier: Apache-2.0
#include "analysis/undo.hpp"

#include <fmt/format.h>

#include <map>
#include <set>

#include "analysis/recover.hpp"
#include "queries/library.hpp"
#include "store/lookup.hpp"

namespace spoor::analysis {
namespace {

using causality::SubgraphNode;

/// The event by which the walk came to `node`, and whether a process of `own` made it by a fork.
struct Arrival {
  std::int64_t event_id = 0;
  bool forked_by_own = false;
  bool executed = false;
};
Arrival ArrivalAt(const causality::Subgraph& subgraph, const SubgraphNode& node,
                  const std::set<std::int64_t>& own) {
  Arrival arrival;
  if (!node.forward_step) return arrival;
  const causality::Step& step = subgraph.steps[*node.forward_step];
  arrival.event_id = step.event_id;
  arrival.executed = step.kind == event::EventKind::kExec;
  if (step.parent && step.kind == event::EventKind::kFork) {
    arrival.forked_by_own = own.contains(subgraph.nodes[subgraph.steps[*step.parent].node].id);
  }
  return arrival;
}

/// What the walk comes to beyond `own`. `of_graph`: what a process that the graph comes to first
/// forks is its own work, and so is what executes the start.
std::vector<undo::Actor> ActorsOf(const causality::Subgraph& subgraph, std::set<std::int64_t> own,
                                  bool of_graph) {
  std::vector<undo::Actor> actors;
  for (const std::int64_t process_id : own) actors.push_back({.process_id = process_id});
  std::set<std::int64_t> reached = own;
  for (const SubgraphNode& node : subgraph.nodes) {  // by hops: parents come first
    if (node.type != causality::NodeType::kProcess || !node.is_effect || own.contains(node.id)) {
      continue;
    }
    const Arrival arrival = ArrivalAt(subgraph, node, reached);
    const bool is_own = of_graph && (arrival.forked_by_own || arrival.executed);
    reached.insert(node.id);
    actors.push_back({.process_id = node.id, .own = is_own, .from_event_id = arrival.event_id});
  }
  return actors;
}

}  // namespace

Result<ToldPlan> PlanUndo(store::Store& store, const UndoSubject& subject,
                          const UndoOptions& options) {
  std::vector<std::int64_t> starts;
  std::set<std::int64_t> own;
  std::string name;
  const bool of_graph = subject.session.empty() && subject.start.kind != TrackStart::Kind::kProcess;
  if (!subject.session.empty()) {
    ASSIGN_OR_RETURN(const std::int64_t session_id, queries::FindSession(store, subject.session));
    ASSIGN_OR_RETURN(
        starts, store::ReadIntegers(
                    store, "SELECT process_id FROM _processes_of(session := CAST($1 AS BIGINT))",
                    {session_id}));
    name = fmt::format("session {}", session_id);
  } else {
    ASSIGN_OR_RETURN(starts, FindStart(store, subject.start));
    name = fmt::format("what came of {}", subject.start.text);
  }
  if (!of_graph && subject.session.empty()) {
    name = fmt::format("process {} and what descends from it", starts.front());
    ASSIGN_OR_RETURN(
        starts, store::ReadIntegers(
                    store, "SELECT process_id FROM _processes_of(process := CAST($1 AS BIGINT))",
                    {starts.front()}));
  }
  if (!of_graph) own.insert(starts.begin(), starts.end());
  causality::Subgraph subgraph;
  if (!options.only_own || of_graph) {
    causality::TraceOptions tracing;
    tracing.direction = causality::Direction::kForward;
    ASSIGN_OR_RETURN(subgraph, Track(store, starts, tracing, options.opening));
  }
  std::vector<undo::Actor> actors = ActorsOf(subgraph, own, of_graph);
  if (options.only_own) std::erase_if(actors, [](const undo::Actor& actor) { return !actor.own; });
  ToldPlan told;
  ASSIGN_OR_RETURN(told.plan, undo::MakePlan(store, actors, options.planning));
  told.plan.subject = name;
  if (!told.plan.changes.empty() || !actors.empty()) {
    ASSIGN_OR_RETURN(told.gaps,
                     GapsOf(store, {}, told.plan.from_wall_ns.value_or(INT64_MIN), INT64_MAX));
  }
  return told;
}

}  // namespace spoor::analysis
