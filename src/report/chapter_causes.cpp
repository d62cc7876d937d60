// SPDX-License-Identifier: Apache-2.0
// Cause and effect beyond the session's own tree, from the causal graph: the path from the entry
// connection to the weightiest deed, and what came of what was left behind.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>

#include "causal_index/open_index.hpp"
#include "causality/render.hpp"
#include "causality/trace.hpp"
#include "report/chapter.hpp"
#include "report/text.hpp"

namespace spoor::report {
namespace {

constexpr std::size_t kLinesMax = 80;

/// What the path is shown to.
struct Deed {
  std::vector<std::int64_t> ids;                      ///< of the objects or of the process
  std::map<std::int64_t, std::int64_t> done_wall_ns;  ///< by id, where known
  std::string name;                                   ///< of all of them in words, marked
};

/// A process or connection that came of something, below what it came from.
struct Effect {
  std::size_t node;  ///< index into Subgraph::nodes
  std::size_t depth;
};

/// The processes and remote connections of `effects` that are not in `own`, depth first, each below
/// the nearest of them on the way that led to it.
std::vector<Effect> EffectTree(const causality::Subgraph& effects,
                               const std::set<std::int64_t>& own) {
  const auto shown = [&](const causality::SubgraphNode& node) {
    return node.is_effect && !own.contains(node.id) &&
           (node.type == causality::NodeType::kProcess || node.is_network_flow);
  };
  constexpr std::size_t kTop = SIZE_MAX;
  std::map<std::size_t, std::vector<std::size_t>> below;
  for (std::size_t i = 0; i < effects.nodes.size(); ++i) {
    if (!shown(effects.nodes[i])) continue;
    std::size_t above = kTop;
    auto step = effects.nodes[i].forward_step;
    while (step && above == kTop) {
      step = effects.steps[*step].parent;
      if (step && shown(effects.nodes[effects.steps[*step].node]))
        above = effects.steps[*step].node;
    }
    below[above].push_back(i);
  }
  std::vector<Effect> tree;
  std::vector<Effect> waiting;
  const auto add_below = [&](std::size_t node, std::size_t depth) {
    const std::vector<std::size_t>& children = below[node];
    for (auto child = children.rbegin(); child != children.rend(); ++child)
      waiting.push_back({*child, depth});
  };
  add_below(kTop, 0);
  while (!waiting.empty()) {
    const Effect effect = waiting.back();
    waiting.pop_back();
    tree.push_back(effect);
    add_below(effect.node, effect.depth + 1);
  }
  return tree;
}

/// What came of one thing directly, and how often the same was seen: a job runs many times.
struct EffectStory {
  std::vector<std::string> lines;
  std::size_t times = 1;
};

/// `title` without the pid: "vm sh[17] root: sh x" → "vm sh root: sh x".
std::string WithoutPid(const std::string& title) {
  const std::size_t open = title.find('[');
  const std::size_t close = title.find(']', open);
  if (open == std::string::npos || close == std::string::npos) return title;
  return title.substr(0, open) + title.substr(close + 1);
}

std::vector<EffectStory> Stories(const causality::Subgraph& effects,
                                 const std::vector<Effect>& tree) {
  std::vector<EffectStory> stories;
  std::map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < tree.size();) {
    EffectStory story;
    std::string key;
    const std::size_t top = tree[i].depth;
    do {
      const std::string indent(2 * std::min<std::size_t>(tree[i].depth, 20), ' ');
      const std::string title = causality::NodeTitle(effects.nodes[tree[i].node]);
      story.lines.push_back(indent + title);
      key += indent + WithoutPid(title) + '\n';
      ++i;
    } while (i < tree.size() && tree[i].depth > top);
    const auto [place, is_new] = places.try_emplace(std::move(key), stories.size());
    if (is_new) {
      stories.push_back(std::move(story));
    } else {
      ++stories[place->second].times;
    }
  }
  return stories;
}

void AddLines(std::string_view text, std::vector<std::string>& lines) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

Result<Deed> WeightiestDeed(const Chapters& chapters, const std::vector<Row>& persistence) {
  Deed deed;
  std::set<std::string> names;
  for (const Row& row : persistence) {  // an object has a row for each of its names
    const auto object_id = row.Integer("object_id");
    if (!object_id) continue;
    if (std::ranges::find(deed.ids, *object_id) == deed.ids.end()) deed.ids.push_back(*object_id);
    names.insert(WellKnownName(row));
    if (deed.name.empty()) deed.name = Name(row.Text("path"));
    const auto done = row.Integer("first_wall_ns");
    if (done && !deed.done_wall_ns.contains(*object_id)) deed.done_wall_ns[*object_id] = *done;
  }
  if (names.size() > 1) deed.name = fmt::format("the {} ways back in", names.size());
  if (!deed.ids.empty()) return deed;
  ASSIGN_OR_RETURN(
      const std::vector<Row> rows,
      chapters.Ask(
          "SELECT process_id, executable FROM root_transitions WHERE cause <> 'setuid_program' "
          "AND process_id IN (SELECT o.process_id FROM _processes_of({scope}) AS o) "
          "ORDER BY wall_ns DESC LIMIT 1"));
  if (rows.empty()) return deed;
  deed.ids.push_back(rows.front().Integer("process_id").value_or(0));
  deed.name = "the process that became root, " + Name(rows.front().Text("executable"));
  return deed;
}

/// Where else it may have begun: the connections and logins that most of it descends from.
void TellEntryPoints(const causality::Subgraph& causes, Section& section) {
  constexpr std::size_t kTold = 3;
  const std::size_t told = std::min(kTold, causes.entry_points.size());
  for (std::size_t i = 0; i < told; ++i) {
    const causality::EntryPoint& entry = causes.entry_points[i];
    const causality::SubgraphNode& node = causes.nodes[entry.node];
    section.facts.push_back(
        {.text =
             fmt::format("Entry point {} of {}: {}, from which {} of the {} others in that past "
                         "may descend.",
                         i + 1, causes.entry_points.size(), Name(node.label), entry.descendants,
                         entry.causes - 1),
         .wall_ns = entry.first_ns,
         .id_kind = node.type == causality::NodeType::kProcess ? "process" : "object",
         .id = node.id});
  }
}

Result<> TellPath(const Chapters& chapters, causality::Graph& graph, const Deed& deed,
                  Section& section) {
  const std::int64_t entry_id = chapters.subject.session
                                    ? chapters.subject.session->Integer("entry_flow_id")
                                          .value_or(chapters.subject.root_process_id)
                                    : chapters.subject.root_process_id;
  causality::TraceOptions options;
  options.direction = causality::Direction::kBackward;
  causality::Subgraph causes = causality::Trace(graph, deed.ids, options);
  RETURN_IF_ERROR(causality::Describe(chapters.store, graph.index(), causes));
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
  const causality::SubgraphNode& target = causes.nodes[chain.back().node];
  section.facts.push_back(
      {.text = fmt::format("The beginning of this story and {} are in the causal past of {}; the "
                           "path below leads to {}.",
                           Count(static_cast<std::int64_t>(processes), "process", "processes"),
                           deed.name, Name(target.label)),
       .id_kind = "object",
       .id = deed.ids.front()});
  TellEntryPoints(causes, section);
  AddLines(causality::RenderWhy(causes, chain), section.lines);
  return {};
}

Result<> TellEffects(const Chapters& chapters, causality::Graph& graph, const Deed& deed,
                     Section& section) {
  causality::TraceOptions options;
  options.direction = causality::Direction::kForward;
  options.effects_from_wall_ns = deed.done_wall_ns;
  causality::Subgraph effects = causality::Trace(graph, deed.ids, options);
  RETURN_IF_ERROR(causality::Describe(chapters.store, graph.index(), effects));
  ASSIGN_OR_RETURN(const std::vector<Row> rows,
                   chapters.Ask("SELECT process_id FROM _processes_of({scope})"));
  std::set<std::int64_t> own;
  for (const Row& row : rows) own.insert(row.Integer("process_id").value_or(0));
  const std::vector<Effect> told = EffectTree(effects, own);
  if (told.empty()) return {};
  std::int64_t processes = 0;
  for (const Effect& effect : told)
    if (effects.nodes[effect.node].type == causality::NodeType::kProcess) ++processes;
  const std::int64_t connections = static_cast<std::int64_t>(told.size()) - processes;
  section.facts.push_back(
      {.text = fmt::format(
           "Outside this story, {}{} may have come of {}: whoever read it, and what that one did "
           "afterwards, whether because of it or not.",
           Count(processes, "process", "processes"),
           connections == 0 ? "" : " and " + Count(connections, "connection", "connections"),
           deed.name),
       .id_kind = "object",
       .id = deed.ids.front()});
  section.lines.emplace_back("");
  section.lines.emplace_back("What may have come of it:");
  for (const EffectStory& story : Stories(effects, told)) {
    if (section.lines.size() + story.lines.size() > kLinesMax) {
      section.lines.emplace_back("… and more");
      break;
    }
    section.lines.insert(section.lines.end(), story.lines.begin(), story.lines.end());
    if (story.times > 1)
      section.lines.push_back(
          fmt::format("… and the same {} more, in other processes",
                      Count(static_cast<std::int64_t>(story.times) - 1, "time", "times")));
  }
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
  ASSIGN_OR_RETURN(auto index, causal_index::OpenIndex(store));
  causality::Graph graph(std::move(index));
  RETURN_IF_ERROR(TellPath(*this, graph, deed, section));
  if (!persistence.empty()) RETURN_IF_ERROR(TellEffects(*this, graph, deed, section));
  if (graph.index().damaged()) {
    return Fail(
        ErrorCode::kCorrupt,
        "the causal index holds what cannot be; it is derived data: `spoor rebuild` removes "
        "it, and the next question makes it again");
  }
  return section;
}

}  // namespace spoor::report
