// SPDX-License-Identifier: Apache-2.0
// A graph in words: one sentence, where it may have begun, who became root, and all of it by time.
#include <fmt/format.h>

#include <algorithm>

#include "base/visible_text.hpp"
#include "base/wall_time_text.hpp"
#include "causality/render.hpp"

namespace spoor::causality {
namespace {

constexpr std::size_t kTextCharactersMax = 120;

std::string Counted(std::size_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string StartsOf(const Subgraph& subgraph) {
  std::size_t count = 0;
  std::string first;
  for (const SubgraphNode& node : subgraph.nodes) {
    if (node.is_start && count++ == 0) first = NodeTitle(node);
  }
  if (count < 2) return first;
  return fmt::format("{} and {}", first, Counted(count - 1, "other start", "other starts"));
}

/// "3 processes, 1 file and 2 connections"
std::string Kinds(const Subgraph& subgraph, bool SubgraphNode::*reached) {
  std::size_t processes = 0, files = 0, connections = 0, others = 0;
  for (const SubgraphNode& node : subgraph.nodes) {
    if (node.is_start || !(node.*reached)) continue;
    ++(node.type == NodeType::kProcess ? processes
       : node.type == NodeType::kFile  ? files
       : node.is_network_flow          ? connections
                                       : others);
  }
  std::vector<std::string> parts;
  if (processes > 0) parts.push_back(Counted(processes, "process", "processes"));
  if (files > 0) parts.push_back(Counted(files, "file", "files"));
  if (connections > 0) parts.push_back(Counted(connections, "connection", "connections"));
  if (others > 0) parts.push_back(Counted(others, "other object", "other objects"));
  if (parts.empty()) return "nothing";
  if (parts.size() == 1) return parts[0];
  const std::string last = parts.back();
  parts.pop_back();
  return fmt::format("{} and {}", fmt::join(parts, ", "), last);
}

bool BecameRoot(const RootStep& step) {
  return step.cause != "setuid_program";
}

/// What was done, of a flow in the direction in which the process did it.
std::string_view Verb(event::EventKind kind) {
  using enum event::EventKind;
  switch (kind) {
    case kFork:
      return "started";
    case kExec:
      return "executed";
    case kRead:
      return "read from";
    case kWrite:
      return "wrote to";
    case kOpen:
      return "created or emptied";
    case kSend:
      return "sent to";
    case kRecv:
      return "received from";
    case kAccept:
      return "accepted";
    case kConnect:
      return "connected to";
    case kUnlink:
      return "removed";
    case kRename:
      return "renamed";
    case kLink:
    case kSymlink:
      return "linked";
    case kChmod:
      return "changed the mode of";
    case kChown:
      return "changed the owner of";
    case kTruncate:
      return "cut";
    case kMkdir:
    case kMknod:
      return "made";
    case kSignal:
      return "signalled";
    case kMount:
      return "mounted";
    case kSetAttribute:
      return "changed attributes of";
    default:
      return event::EventKindName(kind);
  }
}

std::string EdgeText(const Subgraph& subgraph, const SubgraphEdge& edge) {
  const bool in = event::TraitsOf(edge.kind).dependence == event::Dependence::kObjectToProcess;
  const SubgraphNode& actor = subgraph.nodes[in ? edge.to : edge.from];
  const SubgraphNode& other = subgraph.nodes[in ? edge.from : edge.to];
  std::string text = fmt::format("{} {} {}", NodeTitle(actor), Verb(edge.kind), NodeTitle(other));
  if (edge.count > 1) {
    text += fmt::format(" ({} times, until {})", edge.count, WallTimeText(edge.end_ns));
  }
  return text;
}

}  // namespace

std::string RootStepText(const Subgraph& subgraph, const RootStep& step) {
  const SubgraphNode& node = subgraph.nodes[step.node];
  std::string text = fmt::format("{}[{}] ", VisibleText(node.command, 32), node.pid);
  if (BecameRoot(step)) {
    text += fmt::format("went from uid {} to root", step.before_euid.value_or(0));
  } else {
    text += "did not become root by what it executed";
  }
  text += fmt::format(" ({}): {}", step.cause, VisibleText(step.explanation, 200));
  if (step.input_process_id) {
    const std::string from =
        step.input_path.empty() ? "a socket or pipe" : VisibleText(step.input_path, 64);
    text += fmt::format("; before that, process {} had last read from {}", *step.input_process_id,
                        from);
    // The query made it visible already; its end is what came last.
    std::string input = step.input_text;
    if (input.size() > kTextCharactersMax) {
      input = "…" + input.substr(input.size() - kTextCharactersMax);
    }
    if (!input.empty()) text += ": " + VisibleLine(input);
  }
  if (!step.files_read.empty()) {
    text += "; files read before, the last first: ";
    for (std::size_t i = 0; i < step.files_read.size(); ++i) {
      text += (i == 0 ? "" : ", ") + VisibleText(step.files_read[i], 96);
    }
  }
  return text;
}

std::string SummarySentence(const Subgraph& subgraph) {
  const std::string start = StartsOf(subgraph);
  if (start.empty()) return "Nothing was found.";
  std::string text;
  if (subgraph.direction != Direction::kForward) {
    text = fmt::format("{} goes back to {}", start, Kinds(subgraph, &SubgraphNode::is_cause));
    if (!subgraph.entry_points.empty()) {
      const EntryPoint& entry = subgraph.entry_points.front();
      text += fmt::format(", most of all to {} at {}", NodeTitle(subgraph.nodes[entry.node]),
                          WallTimeText(entry.first_ns));
    }
  }
  if (subgraph.direction != Direction::kBackward) {
    text += fmt::format("{} may have come of {}",
                        (text.empty() ? "" : "; ") + Kinds(subgraph, &SubgraphNode::is_effect),
                        text.empty() ? start : "it");
  }
  if (subgraph.hidden_nodes > 0) {
    text += fmt::format("; {} not shown and not counted in this",
                        Counted(subgraph.hidden_nodes, "node is", "nodes are"));
  }
  const auto risen =
      static_cast<std::size_t>(std::ranges::count_if(subgraph.root_steps, BecameRoot));
  if (risen > 0) {
    const auto first = std::ranges::find_if(subgraph.root_steps, BecameRoot);
    const SubgraphNode& node = subgraph.nodes[first->node];
    text += fmt::format("; {} became root at {}",
                        fmt::format("{}[{}]", VisibleText(node.command, 32), node.pid),
                        WallTimeText(first->wall_ns));
    if (risen > 1) text += fmt::format(", and {} more did", risen - 1);
  }
  return text + ".";
}

std::string RenderFindings(const Subgraph& subgraph) {
  constexpr std::size_t kEntryPointsShown = 5;
  std::string text;
  if (!subgraph.entry_points.empty()) text += "entry points, most likely first:\n";
  for (std::size_t i = 0; i < subgraph.entry_points.size(); ++i) {
    if (i == kEntryPointsShown) {
      text += fmt::format("  and {} more: --entries\n", subgraph.entry_points.size() - i);
      break;
    }
    const EntryPoint& entry = subgraph.entry_points[i];
    text += fmt::format("  {}. {}  {} of {} others may descend from it, first at {}\n", i + 1,
                        NodeTitle(subgraph.nodes[entry.node]), entry.descendants,
                        entry.causes == 0 ? 0 : entry.causes - 1, WallTimeText(entry.first_ns));
  }
  if (!subgraph.root_steps.empty()) text += "steps to root:\n";
  for (const RootStep& step : subgraph.root_steps) {
    text += fmt::format("  {}  {}\n", WallTimeText(step.wall_ns), RootStepText(subgraph, step));
  }
  return text;
}

std::string RenderStory(const Subgraph& subgraph) {
  struct Line {
    std::int64_t wall_ns;
    std::string text;
  };
  std::vector<Line> lines;
  for (const SubgraphEdge& edge : subgraph.edges) {
    lines.push_back({edge.begin_ns, EdgeText(subgraph, edge)});
  }
  for (const RootStep& step : subgraph.root_steps) {
    lines.push_back({step.wall_ns, RootStepText(subgraph, step)});
  }
  std::ranges::stable_sort(lines, {}, &Line::wall_ns);
  std::string text = SummarySentence(subgraph) + "\n\n";
  for (const Line& line : lines) {
    text += fmt::format("{}  {}\n", WallTimeText(line.wall_ns), line.text);
  }
  return text;
}

}  // namespace spoor::causality
