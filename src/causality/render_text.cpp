// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>

#include "base/visible_text.hpp"
#include "base/wall_time_text.hpp"
#include "causality/render.hpp"

namespace spoor::causality {
namespace {

constexpr std::size_t kTitleCharactersMax = 160;

/// What a flow of this kind says of two nodes, against others between the same two: what changed
/// the content of a file before what changed its name or its attributes.
int Importance(event::EventKind kind) {
  using enum event::EventKind;
  switch (kind) {
    case kExec:
    case kFork:
    case kWrite:
    case kSend:
      return 0;
    case kRead:
    case kRecv:
    case kTruncate:
      return 1;
    case kOpen:  // created or emptied it
    case kAccept:
    case kConnect:
      return 2;
    case kRename:
    case kLink:
    case kSymlink:
    case kUnlink:
    case kMkdir:
    case kMknod:
    case kMount:
      return 3;
    default:
      return 4;
  }
}

class TreePrinter {
 public:
  TreePrinter(const Subgraph& subgraph, bool color) : subgraph_(subgraph), color_(color) {
    for (const SubgraphEdge& edge : subgraph.edges) between_[{edge.from, edge.to}].push_back(&edge);
  }

  void PrintDirection(std::optional<std::size_t> SubgraphNode::*first_step) {
    first_step_ = first_step;
    children_.assign(subgraph_.nodes.size(), {});
    for (std::size_t node = 0; node < subgraph_.nodes.size(); ++node) {
      const std::optional<std::size_t> step = subgraph_.nodes[node].*first_step;
      if (!step || !subgraph_.steps[*step].parent) continue;
      children_[subgraph_.steps[*subgraph_.steps[*step].parent].node].push_back(node);
    }
    const auto time_of = [this](std::size_t node) { return FlowsTo(node).front().end_ns; };
    for (std::vector<std::size_t>& children : children_) {
      std::ranges::stable_sort(children, {}, time_of);
    }
    for (std::size_t node = 0; node < subgraph_.nodes.size(); ++node) {
      if (subgraph_.nodes[node].is_start) PrintFrom(node);
    }
  }

  std::string text() && { return std::move(text_); }

 private:
  struct Open {
    std::size_t node;
    std::string prefix;
    bool is_last;
  };

  // Without recursion: chains can be thousands long. Behind kDepthMax the indentation stays.
  void PrintFrom(std::size_t start) {
    constexpr std::size_t kPrefixBytesMax = 400;
    text_ += Colored(start, NodeTitle(subgraph_.nodes[start])) + FoldedText(start) + "\n";
    std::vector<Open> open;
    const auto push_children = [&](std::size_t node, const std::string& prefix) {
      for (std::size_t i = children_[node].size(); i-- > 0;) {
        open.push_back({children_[node][i], prefix, i + 1 == children_[node].size()});
      }
    };
    push_children(start, "");
    while (!open.empty()) {
      const Open next = open.back();
      open.pop_back();
      text_ += fmt::format(
          "{}{} {}  {}\n", next.prefix, next.is_last ? "└─" : "├─", FlowText(next.node),
          Colored(next.node, NodeTitle(subgraph_.nodes[next.node])) + FoldedText(next.node));
      const bool deeper = next.prefix.size() < kPrefixBytesMax;
      push_children(next.node, deeper ? next.prefix + (next.is_last ? "   " : "│  ") : next.prefix);
    }
  }

  std::string FoldedText(std::size_t node) const {
    const std::size_t folded = subgraph_.nodes[node].folded;
    return folded == 0 ? "" : fmt::format("  (+{} not shown)", folded);
  }

  struct ShownFlow {
    event::EventKind kind;
    std::int64_t begin_ns, end_ns;
  };

  /// Between `node` and the one above it: the most important, then the others by time. The step is
  /// the last of them only.
  std::vector<ShownFlow> FlowsTo(std::size_t node) const {
    const Step& step = subgraph_.steps[*(subgraph_.nodes[node].*first_step_)];
    std::vector<ShownFlow> flows;
    if (step.parent) {
      const std::size_t above = subgraph_.steps[*step.parent].node;
      const bool backward = first_step_ == &SubgraphNode::backward_step;
      const auto edges = between_.find(backward ? std::pair(node, above) : std::pair(above, node));
      if (edges != between_.end()) {
        for (const SubgraphEdge* edge : edges->second) {
          flows.push_back({edge->kind, edge->begin_ns, edge->end_ns});
        }
      }
    }
    if (flows.empty()) flows.push_back({step.kind, step.begin_ns, step.end_ns});
    std::ranges::sort(flows, {}, [](const ShownFlow& flow) { return flow.end_ns; });
    const auto first = std::ranges::min_element(
        flows, {}, [](const ShownFlow& flow) { return Importance(flow.kind); });
    std::rotate(flows.begin(), first, first + 1);
    return flows;
  }

  /// "write 22:20:32.277, then rename 22:21:00.000": the most important, and what came after it.
  std::string FlowText(std::size_t node) const {
    const std::vector<ShownFlow> flows = FlowsTo(node);
    std::string text =
        fmt::format("{} {}", event::EventKindName(flows[0].kind), ClockText(flows[0].end_ns));
    for (const ShownFlow& flow : std::span(flows).subspan(1)) {
      if (flow.begin_ns < flows[0].end_ns) continue;
      text += fmt::format(", then {} {}", event::EventKindName(flow.kind), ClockText(flow.end_ns));
    }
    return text;
  }

  std::string Colored(std::size_t index, const std::string& title) const {
    const SubgraphNode& node = subgraph_.nodes[index];
    if (!color_) return title;
    const char* code = node.is_network_flow              ? "31"
                       : node.type != NodeType::kProcess ? "0"
                       : IsRoot(node)                    ? "33"
                                                         : "36";
    return fmt::format("\x1b[{}{}m{}\x1b[0m", node.is_start ? "1;" : "", code, title);
  }

  const Subgraph& subgraph_;
  const bool color_;
  std::optional<std::size_t> SubgraphNode::*first_step_ = nullptr;
  std::vector<std::vector<std::size_t>> children_;
  std::map<std::pair<std::size_t, std::size_t>, std::vector<const SubgraphEdge*>> between_;
  std::string text_;
};

std::string Counted(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string Footer(const Subgraph& subgraph) {
  std::string text = fmt::format("\n{}, {}", Counted(subgraph.nodes.size(), "node"),
                                 Counted(subgraph.edges.size(), "flow"));
  if (!subgraph.edges.empty()) {
    const auto last = std::ranges::max_element(subgraph.edges, {}, &SubgraphEdge::end_ns);
    text += " " + WallSpanText(subgraph.edges.front().begin_ns, last->end_ns);
  }
  text += "\n";
  if (subgraph.hidden_nodes > 0 || subgraph.hidden_edges > 0) {
    text +=
        fmt::format("not shown: {} and {} more (--show, --limit)\n",
                    Counted(subgraph.hidden_nodes, "node"), Counted(subgraph.hidden_edges, "flow"));
  }
  if (std::ranges::any_of(subgraph.rules, [](const RuleEffect& effect) {
        return !effect.is_exact && effect.removed_nodes == 0 && effect.removed_edges == 0;
      })) {
    text += "what all rules left out was not counted\n";
  }
  for (const RuleEffect& effect : subgraph.rules) {
    if (effect.removed_nodes == 0 && effect.removed_edges == 0) continue;
    text += fmt::format("rule {} left out {}{} and {}\n", effect.rule.name,
                        effect.is_exact ? "" : "at least ", Counted(effect.removed_nodes, "node"),
                        Counted(effect.removed_edges, "flow"));
  }
  return text + RenderFindings(subgraph) +
         (subgraph.edges.empty() ? "" : "in short: " + SummarySentence(subgraph) + "\n");
}

}  // namespace

bool IsRoot(const SubgraphNode& node) {
  return node.type == NodeType::kProcess && (node.euid == 0 || (!node.euid && node.uid == 0));
}

std::string UserText(const SubgraphNode& node) {
  const auto name = [](std::int64_t uid) {
    return uid == 0 ? std::string("root") : fmt::format("uid {}", uid);
  };
  if (!node.uid) return node.euid ? name(*node.euid) : "";
  if (node.euid && node.euid != node.uid) {
    return fmt::format("{} as {}", name(*node.uid), name(*node.euid));
  }
  return name(*node.uid);
}

std::string ClockText(std::int64_t time_ns) {
  // "2026-11-21T20:31:35.123456789Z"
  const std::string text = WallTimeText(time_ns);
  return text.size() < 23 ? text : text.substr(11, 12);
}

std::string NodeTitle(const SubgraphNode& node) {
  const std::string label = VisibleText(node.label, kTitleCharactersMax);
  const std::string host = node.host.empty() ? "" : VisibleText(node.host, 40) + " ";
  if (node.type != NodeType::kProcess) {
    const bool named = node.label != node.object_type && !node.object_type.empty();
    return host + (named && node.type != NodeType::kFile ? node.object_type + " " : "") + label;
  }
  const std::string user = UserText(node);
  return fmt::format("{}{}[{}]{}{}: {}", host, VisibleText(node.command, 32), node.pid,
                     user.empty() ? "" : " ", user, label);
}

std::string RenderTree(const Subgraph& subgraph, bool color) {
  TreePrinter printer(subgraph, color);
  if (subgraph.direction == Direction::kBoth) {
    printer.PrintDirection(&SubgraphNode::backward_step);
    std::string text = "Causes of\n" + std::move(printer).text();
    TreePrinter effects(subgraph, color);
    effects.PrintDirection(&SubgraphNode::forward_step);
    return text + "\nEffects of\n" + std::move(effects).text() + Footer(subgraph);
  }
  printer.PrintDirection(subgraph.direction == Direction::kBackward ? &SubgraphNode::backward_step
                                                                    : &SubgraphNode::forward_step);
  return std::move(printer).text() + Footer(subgraph);
}

std::string RenderWhy(const Subgraph& subgraph, const std::vector<Step>& chain) {
  if (chain.empty()) return "";
  // The flow between two steps is with the one further from the start.
  const bool toward_start = !chain.back().parent && chain.size() > 1;
  std::string text = NodeTitle(subgraph.nodes[chain.front().node]) + "\n";
  for (std::size_t i = 1; i < chain.size(); ++i) {
    const Step& flow = toward_start ? chain[i - 1] : chain[i];
    text += fmt::format("  {} {} (event {}) → {}\n", event::EventKindName(flow.kind),
                        WallTimeText(flow.end_ns), flow.event_id,
                        NodeTitle(subgraph.nodes[chain[i].node]));
  }
  return text;
}

}  // namespace spoor::causality
