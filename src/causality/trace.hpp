// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "causality/graph.hpp"
#include "causality/rules.hpp"
#include "causality/walk.hpp"
#include "event/event.hpp"

namespace spoor::store {
class Store;
}

namespace spoor::causality {

enum class Direction : std::uint8_t { kBackward, kForward, kBoth };

/// How much a question may cost. What ends it before it has found all is said (Subgraph::end).
struct Budget {
  std::size_t steps_max = 0;        ///< of a walk, about one for each node; 0: no limit
  std::function<bool()> stop = {};  ///< asked now and then, while walking: true ends it
};

struct TraceOptions {
  Direction direction = Direction::kBoth;
  RuleSet rules = RuleSet::All();
  std::optional<std::int64_t> from_wall_ns = {};   ///< what ended before is not looked at
  std::optional<std::int64_t> until_wall_ns = {};  ///< what began after is not looked at
  /// By start: effects of it before that moment are not looked at.
  std::map<std::int64_t, std::int64_t> effects_from_wall_ns = {};
  /// By start: causes of it after that moment are not looked at.
  std::map<std::int64_t, std::int64_t> causes_until_wall_ns = {};
  std::uint32_t hops_max = 0;               ///< chains of at most so many flows; 0: of any length
  std::vector<std::int64_t> host_ids = {};  ///< flows on these hosts only; empty: on all
  Budget budget = {};
  /// Nodes at most, those nearest to the start; 0: no limit. What is left out is counted.
  std::size_t limit = 0;
};

/// How a node was come to, or come to again in another role. Chains of steps end at a start.
struct Step {
  std::size_t node = 0;               ///< index into Subgraph::nodes
  std::optional<std::size_t> parent;  ///< index into Subgraph::steps; none at a start
  std::int64_t event_id = 0;          ///< of the flow between the two; 0: known from the baseline
  event::EventKind kind = event::EventKind::kRead;
  std::int64_t begin_ns = 0, end_ns = 0;
};

/// A process or object of the answer. Text comes from the record: not to be trusted.
struct SubgraphNode {
  std::int64_t id = 0;
  std::int64_t peer_id = 0;  ///< the other end of the same connection, or 0
  NodeType type = NodeType::kOther;
  bool is_start = false;
  bool is_cause = false;                                   ///< reached backward
  bool is_effect = false;                                  ///< reached forward
  std::uint32_t hops = 0;                                  ///< from the start
  std::optional<std::size_t> backward_step, forward_step;  ///< first of its steps

  // Filled by Describe.
  std::string host;
  std::string label;                ///< command line, path, or "inbound 10.0.0.5:4444 → …"
  std::vector<std::string> names;   ///< files: all names in the order of time
  std::string object_type;          ///< event::ObjectTypeName
  std::string command, executable;  ///< processes
  std::int64_t pid = 0;
  std::optional<std::int64_t> uid, euid;
  std::optional<std::int64_t> begin_ns, end_ns;  ///< processes: start and end, where seen
  bool baseline = false;
  bool is_network_flow = false;  ///< connection to a remote end
  bool is_inbound = false;       ///< of those: accepted here
  bool has_alert = false;        ///< filled by who knows of alerts
  std::size_t folded = 0;        ///< nodes not shown that came of it (Fold)
};

/// All flows of one kind between two nodes.
struct SubgraphEdge {
  std::size_t from = 0, to = 0;  ///< indexes into Subgraph::nodes
  event::EventKind kind = event::EventKind::kRead;
  std::int64_t count = 0;                 ///< rows of event
  std::int64_t begin_ns = 0, end_ns = 0;  ///< of the first and the last
  std::int64_t first_event_id = 0, last_event_id = 0;
  std::int64_t skew_ns = 0;  ///< to be added to its times to compare them with other hosts'
};

/// What a rule did to this answer: how much more there would have been without it, given the rules
/// before it in the list.
struct RuleEffect {
  RuleDescription rule;
  bool enabled = false;
  std::size_t removed_nodes = 0, removed_edges = 0;
  /// Whether all of it was counted: what the rules leave out may be most of a store, and is not
  /// walked to its end.
  bool is_exact = true;
};

/// A stretch of time in which not everything was seen.
struct OverlappingGap {
  std::string host;  ///< empty: all hosts of the recording
  std::int64_t from_ns = 0, until_ns = 0;
  std::string loss_class, reason;
  std::optional<std::int64_t> count;  ///< empty: not known
};

/// A connection, or a login at a terminal, among the causes: where it may have begun.
struct EntryPoint {
  std::size_t node = 0;         ///< index into Subgraph::nodes
  std::size_t descendants = 0;  ///< causes that something could flow to from there, in time
  std::size_t causes = 0;       ///< of so many in all (starts count)
  std::int64_t first_ns = 0;    ///< its first flow in the graph
};

/// A process of the answer that was not root became root: a row of the question root_transitions.
struct RootStep {
  std::size_t node = 0;  ///< index into Subgraph::nodes
  std::int64_t event_id = 0;
  std::int64_t wall_ns = 0;
  /// 'setuid_program': it executed such a program, and nothing else as root.
  std::string cause;
  std::string explanation;  ///< the cause in words
  std::optional<std::int64_t> before_uid, before_euid, uid, euid;
  std::int64_t programs = 0;  ///< executed as root afterwards, by it or below it
  /// Who last read from a terminal, socket or pipe before: it or an ancestor in its session.
  std::optional<std::int64_t> input_process_id, input_wall_ns;
  std::string input_path, input_text;
  /// Who last read files before, and the last of them first.
  std::optional<std::int64_t> files_process_id;
  std::vector<std::string> files_read;
};

/// The answer. Times are ns on the axis of Graph: wall time as of the start of each boot.
struct Subgraph {
  Direction direction = Direction::kBoth;
  std::optional<std::int64_t> from_wall_ns, until_wall_ns;
  std::vector<SubgraphNode> nodes;  ///< by hops from the start
  std::vector<SubgraphEdge> edges;  ///< by begin_ns
  std::vector<Step> steps;
  WalkEnd end = WalkEnd::kAll;  ///< but for kAll: not everything was found
  std::vector<RuleEffect> rules;
  std::vector<OverlappingGap> gaps;                ///< filled by Describe
  std::vector<EntryPoint> entry_points;            ///< filled by Describe; most likely first
  std::vector<RootStep> root_steps;                ///< by wall_ns; filled by who has the questions
  std::size_t hidden_nodes = 0, hidden_edges = 0;  ///< left out by the limit
};

/// The causes and effects of the nodes `start_ids`, without text and gaps. Ids that no event with a
/// dependence names are left out; if none is left the answer has no nodes.
Subgraph Trace(Graph& graph, std::span<const std::int64_t> start_ids, const TraceOptions& options);

/// The way from `start_ids` to `end_ids` (direction forward), or from those to the start
/// (backward), that has the fewest flows of all that time and the rules allow: its nodes and flows
/// alone, `end` being the node of the last step. Where there is none: the starts alone, and no
/// step. Rule helper_processes has no say: no shortest way makes the detour through a helper.
Subgraph ShortestWay(Graph& graph, std::span<const std::int64_t> start_ids,
                     std::span<const std::int64_t> end_ids, const TraceOptions& options);

/// Fills in what a person reads: names, commands, users, the gaps that overlap the answer, and
/// where it may have begun. `index` is of `store`.
Result<> Describe(store::Store& store, const causal_index::Index& index, Subgraph& subgraph);

/// The chain of steps between the start and node `id`, in causal order; empty if `id` is not in it.
std::vector<Step> Why(const Subgraph& subgraph, std::int64_t id);

}  // namespace spoor::causality
