// SPDX-License-Identifier: Apache-2.0
// Cause and effect beyond the session's own tree, from the causal graph: the path from the entry
// connection to the weightiest deed, and what came of what was left behind.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "causality/render.hpp"
#include "causality/trace.hpp"
#include "report/chapter.hpp"
#include "report/text.hpp"

namespace spoor::report {
namespace {

constexpr std::size_t kEffectsMax = 30;

/// What the path is shown to.
struct Deed {
  std::vector<std::int64_t> ids;  ///< of the objects or of the process
  std::string name;               ///< in words, marked
};

void AddLines(std::string_view text, std::vector<std::string>& lines) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

Result<Deed> WeightiestDeed(const Chapters& chapters, const std::vector<Row>& persistence) {
  Deed deed;
  for (const Row& row : persistence) {
    if (const auto object_id = row.Integer("object_id")) deed.ids.push_back(*object_id);
    if (deed.name.empty() && !deed.ids.empty()) deed.name = Name(row.Text("path"));
  }
  if (!deed.ids.empty()) return deed;
  ASSIGN_OR_RETURN(
      const std::vector<Row> rows,
      chapters.Ask("SELECT process_id, executable FROM root_transitions WHERE cause <> 'regained' "
                   "AND process_id IN (SELECT o.process_id FROM _processes_of({scope}) AS o) "
                   "ORDER BY wall_ns DESC LIMIT 1"));
  if (rows.empty()) return deed;
  deed.ids.push_back(rows.front().Integer("process_id").value_or(0));
  deed.name = "the process that became root, " + Name(rows.front().Text("executable"));
  return deed;
}

Result<> TellPath(const Chapters& chapters, const causality::Graph& graph, const Deed& deed,
                  Section& section) {
  const std::int64_t entry_id = chapters.subject.session
                                    ? chapters.subject.session->Integer("entry_flow_id")
                                          .value_or(chapters.subject.root_process_id)
                                    : chapters.subject.root_process_id;
  causality::TraceOptions options;
  options.direction = causality::Direction::kBackward;
  causality::Subgraph causes = causality::Trace(graph, deed.ids, options);
  RETURN_IF_ERROR(causality::Describe(chapters.store, causes));
  const std::vector<causality::Step> chain = causality::Why(causes, entry_id);
  const std::size_t processes = static_cast<std::size_t>(std::count_if(
      causes.nodes.begin(), causes.nodes.end(), [](const causality::SubgraphNode& node) {
        return node.type == causality::NodeType::kProcess;
      }));
  if (chain.empty()) {
    section.facts.push_back(
        {.text = fmt::format("No causal path from the beginning of this story to {} was found.",
                             deed.name),
         .id_kind = "object",
         .id = deed.ids.front()});
    return {};
  }
  section.facts.push_back(
      {.text = fmt::format("{} has {} in its causal past; the beginning of this story is among its "
                           "causes, by the path below.",
                           deed.name,
                           Count(static_cast<std::int64_t>(processes), "process", "processes")),
       .id_kind = "object",
       .id = deed.ids.front()});
  AddLines(causality::RenderWhy(causes, chain), section.lines);
  return {};
}

Result<> TellEffects(const Chapters& chapters, const causality::Graph& graph, const Deed& deed,
                     Section& section) {
  causality::TraceOptions options;
  options.direction = causality::Direction::kForward;
  causality::Subgraph effects = causality::Trace(graph, deed.ids, options);
  RETURN_IF_ERROR(causality::Describe(chapters.store, effects));
  ASSIGN_OR_RETURN(const std::vector<Row> rows,
                   chapters.Ask("SELECT process_id FROM _processes_of({scope})"));
  std::set<std::int64_t> own;
  for (const Row& row : rows) own.insert(row.Integer("process_id").value_or(0));
  std::size_t left = 0;
  std::size_t told = 0;
  for (const causality::SubgraphNode& node : effects.nodes) {
    const bool process = node.type == causality::NodeType::kProcess;
    if (!node.is_effect || own.contains(node.id) || (!process && !node.is_network_flow)) continue;
    if (told++ >= kEffectsMax) {
      ++left;
      continue;
    }
    section.facts.push_back(
        {.text = fmt::format("Outside it, {} may have acted on what was left in {}.",
                             VisibleName(causality::NodeTitle(node)), deed.name),
         .wall_ns = process ? node.begin_ns : std::nullopt,
         .id_kind = process ? "process" : "flow",
         .id = node.id});
  }
  if (left > 0) section.facts.push_back({.text = fmt::format("And {} more.", left)});
  return {};
}

}  // namespace

Result<Section> Chapters::Causes() const {
  Section section{.name = "causes", .title = "What led to what"};
  ASSIGN_OR_RETURN(const std::vector<Row> persistence, PersistenceRows());
  ASSIGN_OR_RETURN(const Deed deed, WeightiestDeed(*this, persistence));
  if (deed.ids.empty()) {
    section.facts.push_back({.text =
                                 "Nothing here calls for a causal path: no way back in was left, "
                                 "and nobody became root."});
    return section;
  }
  ASSIGN_OR_RETURN(const causality::Graph graph, causality::Graph::Load(store));
  RETURN_IF_ERROR(TellPath(*this, graph, deed, section));
  if (!persistence.empty()) RETURN_IF_ERROR(TellEffects(*this, graph, deed, section));
  return section;
}

}  // namespace spoor::report
