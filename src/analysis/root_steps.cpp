// SPDX-License-Identifier: Apache-2.0
// First it is looked up whether any process of the graph gained root's rights at all. The question
// is then asked of these, of whom they descend from (who read something before) and of what
// descends from them (what was executed as root), and not of the whole store.
#include "analysis/root_steps.hpp"

#include <fmt/format.h>

#include <limits>
#include <unordered_map>

#include "queries/library.hpp"
#include "queries/narrowing.hpp"
#include "store/lookup.hpp"
#include "store/row.hpp"

namespace spoor::analysis {
namespace {

using causality::Subgraph;
using causality::SubgraphNode;

/// When a node was part of what is told.
struct Span {
  std::int64_t first_in_ns = std::numeric_limits<std::int64_t>::max();
  std::int64_t last_out_ns = std::numeric_limits<std::int64_t>::min();
};

std::vector<Span> SpansOf(const Subgraph& subgraph) {
  std::vector<Span> spans(subgraph.nodes.size());
  for (const causality::SubgraphEdge& edge : subgraph.edges) {
    Span& from = spans[edge.from];
    Span& to = spans[edge.to];
    from.last_out_ns = std::max(from.last_out_ns, edge.end_ns);
    to.first_in_ns = std::min(to.first_in_ns, edge.begin_ns);
  }
  return spans;
}

bool IsTold(const SubgraphNode& node, const Span& span, std::int64_t wall_ns) {
  if (node.is_start) return true;
  return (node.is_cause && wall_ns <= span.last_out_ns) ||
         (node.is_effect && wall_ns >= span.first_in_ns);
}

std::string ListOf(const std::vector<std::int64_t>& ids) {
  return fmt::format("({})", fmt::join(ids, ", "));
}

}  // namespace

Result<> AddRootSteps(store::Store& store, Subgraph& subgraph) {
  using store::IntegerOf;
  using store::TextOf;
  std::unordered_map<std::int64_t, std::size_t> places;
  std::vector<std::int64_t> processes;
  for (std::size_t i = 0; i < subgraph.nodes.size(); ++i) {
    if (subgraph.nodes[i].type != causality::NodeType::kProcess) continue;
    places[subgraph.nodes[i].id] = i;
    processes.push_back(subgraph.nodes[i].id);
  }
  if (processes.empty()) return {};
  ASSIGN_OR_RETURN(
      const std::vector<std::int64_t> risen,
      store::ReadIntegers(store,
                          "SELECT DISTINCT process_id FROM credential_change WHERE euid = 0 AND "
                          "before_euid <> 0 AND process_id IN " +
                              ListOf(processes),
                          {}));
  if (risen.empty()) return {};
  ASSIGN_OR_RETURN(const queries::Library library, queries::Library::Load({}));
  const store::Narrowed narrowed(store);
  RETURN_IF_ERROR(queries::NarrowToKin(store, risen, library.Reach({"root_transitions"})));
  const std::vector<Span> spans = SpansOf(subgraph);
  return store::ForEachRow(
      store,
      "SELECT process_id, event_id, wall_ns, cause, explanation, before_uid, before_euid, uid, "
      "euid, programs, input_process_id, input_wall_ns, input_path, input_text, "
      "files_process_id, files_read FROM root_transitions WHERE process_id IN " +
          ListOf(risen) + " ORDER BY wall_ns, event_id",
      {}, [&](const std::vector<store::Value>& row) {
        const auto place = places.find(IntegerOf(row[0]).value_or(0));
        if (place == places.end()) return;
        causality::RootStep step;
        step.node = place->second;
        step.event_id = IntegerOf(row[1]).value_or(0);
        step.wall_ns = IntegerOf(row[2]).value_or(0);
        if (!IsTold(subgraph.nodes[step.node], spans[step.node], step.wall_ns)) return;
        step.cause = TextOf(row[3]);
        step.explanation = TextOf(row[4]);
        step.before_uid = IntegerOf(row[5]);
        step.before_euid = IntegerOf(row[6]);
        step.uid = IntegerOf(row[7]);
        step.euid = IntegerOf(row[8]);
        step.programs = IntegerOf(row[9]).value_or(0);
        step.input_process_id = IntegerOf(row[10]);
        step.input_wall_ns = IntegerOf(row[11]);
        step.input_path = TextOf(row[12]);
        step.input_text = TextOf(row[13]);
        step.files_process_id = IntegerOf(row[14]);
        if (const auto* files = std::get_if<std::vector<std::string>>(&row[15])) {
          step.files_read = *files;
        }
        subgraph.root_steps.push_back(std::move(step));
      });
}

}  // namespace spoor::analysis
