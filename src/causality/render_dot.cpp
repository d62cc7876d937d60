// SPDX-License-Identifier: Apache-2.0
// Flows between the same two nodes are one arrow. Nodes are written in the order of their first
// flow and arrows that go back against an earlier one do not count for ranking, so that graphviz
// puts what came first on top.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "base/visible_text.hpp"
#include "base/wall_time_text.hpp"
#include "causality/render.hpp"

namespace spoor::causality {
namespace {

constexpr std::size_t kShortCharactersMax = 30;

/// `text` (already visible) inside a double-quoted DOT string; \n stays a line break. Graphviz
/// reads HTML entities in strings.
std::string DotQuoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '\n') {
      quoted += "\\n";
    } else if (c == '&') {
      quoted += "&amp;";
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

/// The end of a path says more than its beginning.
std::string ShortPath(const std::string& path) {
  if (path.size() <= kShortCharactersMax) return VisibleText(path);
  std::size_t cut = path.size() - kShortCharactersMax;
  const std::size_t slash = path.find('/', cut);
  if (slash != std::string::npos && slash + 1 < path.size()) cut = slash;
  // Not into the middle of a character.
  while (cut < path.size() && (static_cast<unsigned char>(path[cut]) & 0xc0) == 0x80) ++cut;
  return "…" + VisibleText(path.substr(cut));
}

std::string TimeSpan(const SubgraphNode& node) {
  const auto clock = [](std::int64_t time_ns) { return ClockText(time_ns).substr(0, 8); };
  const std::string begin = node.baseline ? "before" : node.begin_ns ? clock(*node.begin_ns) : "?";
  return fmt::format("{} – {}", begin, node.end_ns ? clock(*node.end_ns) : "");
}

std::string NodeLabel(const SubgraphNode& node) {
  if (node.type != NodeType::kProcess) {
    const std::string prefix = node.type == NodeType::kFile || node.label == node.object_type
                                   ? ""
                                   : node.object_type + "\n";
    return node.is_network_flow ? VisibleText(node.label, 64) : prefix + ShortPath(node.label);
  }
  const std::string user = UserText(node);
  std::string label = fmt::format("{} [{}]\n", VisibleText(node.command, 20), node.pid);
  if (node.label != node.command) label += VisibleText(node.label, kShortCharactersMax) + "\n";
  const std::string host = VisibleText(node.host, 24);
  label += host + (host.empty() || user.empty() ? "" : " · ") + user + "\n";
  return label + TimeSpan(node);
}

/// What the answer says of a node beside the node.
struct Findings {
  std::string label;    ///< lines
  std::string tooltip;  ///< lines
  bool is_entry = false, became_root = false;
};

std::vector<Findings> FindingsOf(const Subgraph& subgraph) {
  std::vector<Findings> findings(subgraph.nodes.size());
  for (std::size_t i = 0; i < subgraph.entry_points.size(); ++i) {
    const EntryPoint& entry = subgraph.entry_points[i];
    Findings& of = findings[entry.node];
    of.is_entry = true;
    of.label += fmt::format("\nentry point {}", i + 1);
    of.tooltip += fmt::format("\nentry point {}: {} of {} others may descend from it", i + 1,
                              entry.descendants, entry.causes == 0 ? 0 : entry.causes - 1);
  }
  for (const RootStep& step : subgraph.root_steps) {
    Findings& of = findings[step.node];
    const bool became = step.cause != "setuid_program";
    of.became_root = of.became_root || became;
    if (became) of.label += fmt::format("\n→ root: {}", step.cause);
    of.tooltip += "\n" + RootStepText(subgraph, step);
  }
  return findings;
}

std::string NodeLine(std::size_t index, const SubgraphNode& node, const Findings& findings) {
  std::string shape = "note";
  std::string fill = "#ffffff";
  std::string border = "#555555";
  switch (node.type) {
    case NodeType::kProcess:
      shape = "box";
      fill = IsRoot(node) ? "#ffe34d" : "#9fe8f0";
      break;
    case NodeType::kSocket:
      shape = "ellipse";
      fill = node.is_network_flow ? "#ffd6d6" : "#eeeeee";
      if (node.is_network_flow) border = "#cc0000";
      break;
    case NodeType::kPipe:
    case NodeType::kPty:
      shape = "ellipse";
      fill = "#eeeeee";
      break;
    case NodeType::kFile:
    case NodeType::kOther:
      break;
  }
  if (node.is_start) shape = "diamond";
  std::string tooltip = NodeTitle(node);
  for (const std::string& name : node.names) {
    if (name != node.label) tooltip += "\nalso " + VisibleText(name);
  }
  return fmt::format(
      "  n{} [shape={}, style=filled, fillcolor=\"{}\", color=\"{}\", penwidth={}, label={}, "
      "tooltip={}{}];\n",
      index, shape, fill, border, node.is_start || findings.is_entry ? 2 : 1,
      DotQuoted(NodeLabel(node) + findings.label),
      DotQuoted(fmt::format("{}\nid {}{}", tooltip, node.id, findings.tooltip)),
      findings.became_root ? ", peripheries=2" : "");
}

struct Arrow {
  std::vector<const SubgraphEdge*> flows;
  std::int64_t begin_ns = 0;
};
using Arrows = std::map<std::pair<std::size_t, std::size_t>, Arrow>;

std::string ArrowLine(const Subgraph& subgraph, std::pair<std::size_t, std::size_t> ends,
                      const Arrow& arrow, const Arrows& arrows) {
  std::string label;
  std::string tooltip;
  for (const SubgraphEdge* flow : arrow.flows) {
    const std::string kind(event::EventKindName(flow->kind));
    const std::string count = flow->count > 1 ? fmt::format(" ×{}", flow->count) : "";
    label += fmt::format("{}{}{}", label.empty() ? "" : ", ", kind, count);
    tooltip +=
        fmt::format("{}{}{} {} – {} (event {})", tooltip.empty() ? "" : "\n", kind, count,
                    WallTimeText(flow->begin_ns), WallTimeText(flow->end_ns), flow->first_event_id);
  }
  const bool is_red =
      subgraph.nodes[ends.first].is_network_flow || subgraph.nodes[ends.second].is_network_flow;
  const auto opposite = arrows.find({ends.second, ends.first});
  const bool goes_back = opposite != arrows.end() && opposite->second.begin_ns <= arrow.begin_ns &&
                         (opposite->second.begin_ns < arrow.begin_ns || ends.first > ends.second);
  return fmt::format("  n{} -> n{} [label={}, tooltip={}, color=\"{}\"{}];\n", ends.first,
                     ends.second, DotQuoted(label + "\n" + ClockText(arrow.begin_ns)),
                     DotQuoted(tooltip), is_red ? "#cc0000" : "#666666",
                     goes_back ? ", constraint=false" : "");
}

}  // namespace

std::string RenderDot(const Subgraph& subgraph) {
  Arrows arrows;
  constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
  std::vector<std::int64_t> first_ns(subgraph.nodes.size(), kNever);
  for (const SubgraphEdge& edge : subgraph.edges) {
    Arrow& arrow = arrows[{edge.from, edge.to}];
    arrow.begin_ns = arrow.flows.empty() ? edge.begin_ns : std::min(arrow.begin_ns, edge.begin_ns);
    arrow.flows.push_back(&edge);
    for (const std::size_t node : {edge.from, edge.to}) {
      first_ns[node] = std::min(first_ns[node], edge.begin_ns);
    }
  }
  std::vector<std::size_t> order(subgraph.nodes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&first_ns](std::size_t node) { return first_ns[node]; });

  std::string dot =
      "digraph spoor {\n"
      "  graph [rankdir=TB, ranksep=0.35, nodesep=0.2, fontname=\"Helvetica\"];\n"
      "  node [fontname=\"Helvetica\", fontsize=10, margin=\"0.08,0.04\", height=0.3];\n"
      "  edge [fontname=\"Helvetica\", fontsize=8, fontcolor=\"#444444\", arrowsize=0.7];\n";
  const std::vector<Findings> findings = FindingsOf(subgraph);
  for (const std::size_t node : order) {
    dot += NodeLine(node, subgraph.nodes[node], findings[node]);
  }
  std::vector<Arrows::const_iterator> by_time;
  for (auto arrow = arrows.cbegin(); arrow != arrows.cend(); ++arrow) by_time.push_back(arrow);
  std::ranges::stable_sort(by_time, {}, [](const auto& arrow) { return arrow->second.begin_ns; });
  for (const auto& arrow : by_time) {
    dot += ArrowLine(subgraph, arrow->first, arrow->second, arrows);
  }
  return dot + "}\n";
}

}  // namespace spoor::causality
