// SPDX-License-Identifier: Apache-2.0
#include "causality/fold.hpp"

#include <algorithm>
#include <limits>
#include <set>

namespace spoor::causality {
namespace {

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kEntryPointsKept = 3;

bool IsProcess(const SubgraphNode& node) {
  return node.type == NodeType::kProcess;
}

/// Which nodes a fold may not hide.
class Kept {
 public:
  explicit Kept(const Subgraph& subgraph) : subgraph_(subgraph), kept_(subgraph.nodes.size()) {
    for (std::size_t i = 0; i < subgraph.nodes.size(); ++i) {
      if (subgraph.nodes[i].is_start) kept_[i] = true;
      if (subgraph.nodes[i].has_alert) KeepWithChain(i);
    }
    for (std::size_t i = 0; i < std::min(kEntryPointsKept, subgraph.entry_points.size()); ++i) {
      KeepWithChain(subgraph.entry_points[i].node);
    }
    for (const RootStep& step : subgraph.root_steps) KeepWithChain(step.node);
    KeepCrossings();
    KeepUserChangesAndTyped();
    KeepDataOfAlerts();
  }

  const std::vector<bool>& nodes() const { return kept_; }

 private:
  void KeepWithChain(std::size_t node) {
    kept_[node] = true;
    for (const auto& first :
         {subgraph_.nodes[node].backward_step, subgraph_.nodes[node].forward_step}) {
      for (auto step = first; step; step = subgraph_.steps[*step].parent) {
        kept_[subgraph_.steps[*step].node] = true;
      }
    }
  }

  /// A thing that processes of several hosts used, and these.
  void KeepCrossings() {
    std::vector<std::set<std::size_t>> users(subgraph_.nodes.size());
    for (const SubgraphEdge& edge : subgraph_.edges) {
      if (IsProcess(subgraph_.nodes[edge.from])) users[edge.to].insert(edge.from);
      if (IsProcess(subgraph_.nodes[edge.to])) users[edge.from].insert(edge.to);
    }
    for (std::size_t i = 0; i < users.size(); ++i) {
      if (users[i].empty()) continue;
      const std::string& host = subgraph_.nodes[*users[i].begin()].host;
      const bool crosses = std::ranges::any_of(
          users[i], [&](std::size_t user) { return subgraph_.nodes[user].host != host; });
      if (!crosses) continue;
      kept_[i] = true;
      for (const std::size_t user : users[i]) kept_[user] = true;
    }
  }

  void KeepUserChangesAndTyped() {
    std::vector<bool> reads_terminal(subgraph_.nodes.size());
    for (const SubgraphEdge& edge : subgraph_.edges) {
      if (edge.kind == event::EventKind::kRead &&
          subgraph_.nodes[edge.from].type == NodeType::kPty) {
        reads_terminal[edge.to] = true;
      }
    }
    for (const SubgraphEdge& edge : subgraph_.edges) {
      const SubgraphNode& from = subgraph_.nodes[edge.from];
      const SubgraphNode& to = subgraph_.nodes[edge.to];
      if (edge.kind != event::EventKind::kFork) continue;
      const bool other_user = from.uid && to.uid && (from.uid != to.uid || from.euid != to.euid);
      if (other_user || reads_terminal[edge.from]) kept_[edge.from] = kept_[edge.to] = true;
    }
  }

  /// Along data alone: whoever got something of an alert, what that one wrote, who read it.
  void KeepDataOfAlerts() {
    std::vector<std::int64_t> since(subgraph_.nodes.size(),
                                    std::numeric_limits<std::int64_t>::max());
    for (std::size_t i = 0; i < subgraph_.nodes.size(); ++i) {
      if (subgraph_.nodes[i].has_alert) since[i] = std::numeric_limits<std::int64_t>::min();
    }
    for (bool changed = true; changed;) {
      changed = false;
      for (const SubgraphEdge& edge : subgraph_.edges) {
        const SubgraphNode& from = subgraph_.nodes[edge.from];
        const SubgraphNode& to = subgraph_.nodes[edge.to];
        const bool data = IsProcess(from) ? to.type == NodeType::kFile
                                          : from.type == NodeType::kFile || from.has_alert;
        if (!data || since[edge.from] > edge.end_ns) continue;
        const std::int64_t arrival = std::max(since[edge.from], edge.begin_ns);
        if (arrival >= since[edge.to]) continue;
        since[edge.to] = arrival;
        kept_[edge.to] = changed = true;
      }
    }
  }

  const Subgraph& subgraph_;
  std::vector<bool> kept_;
};

/// The nodes that stay, and steps and edges between them.
class Folder {
 public:
  Folder(const Subgraph& whole, const std::vector<bool>& stays)
      : whole_(whole), places_(whole.nodes.size(), kNone) {
    folded_.nodes.reserve(whole.nodes.size());
    for (std::size_t i = 0; i < whole.nodes.size(); ++i) {
      if (!stays[i]) continue;
      places_[i] = folded_.nodes.size();
      folded_.nodes.push_back(whole.nodes[i]);
      folded_.nodes.back().backward_step = folded_.nodes.back().forward_step = std::nullopt;
    }
  }

  Subgraph Run() {
    folded_.direction = whole_.direction;
    folded_.from_wall_ns = whole_.from_wall_ns;
    folded_.until_wall_ns = whole_.until_wall_ns;
    folded_.end = whole_.end;
    folded_.rules = whole_.rules;
    folded_.gaps = whole_.gaps;
    folded_.hidden_nodes = whole_.hidden_nodes + whole_.nodes.size() - folded_.nodes.size();
    folded_.hidden_edges = whole_.hidden_edges;
    AddSteps();
    for (const SubgraphEdge& edge : whole_.edges) {
      if (places_[edge.from] == kNone || places_[edge.to] == kNone) {
        ++folded_.hidden_edges;
        continue;
      }
      folded_.edges.push_back(edge);
      folded_.edges.back().from = places_[edge.from];
      folded_.edges.back().to = places_[edge.to];
    }
    AddFindings(whole_.entry_points, folded_.entry_points);
    AddFindings(whole_.root_steps, folded_.root_steps);
    return std::move(folded_);
  }

 private:
  /// A step at a node that goes falls out of the chains through it, and is counted where they go
  /// on.
  void AddSteps() {
    std::vector<std::optional<std::size_t>> kept(whole_.steps.size());
    std::vector<bool> counted(whole_.nodes.size());
    for (std::size_t i = 0; i < whole_.steps.size(); ++i) {
      const Step& step = whole_.steps[i];
      const std::optional<std::size_t> parent = step.parent ? kept[*step.parent] : std::nullopt;
      const std::size_t place = places_[step.node];
      if (place == kNone) {
        kept[i] = parent;
        if (parent && !counted[step.node]) ++folded_.nodes[folded_.steps[*parent].node].folded;
        counted[step.node] = true;
        continue;
      }
      kept[i] = folded_.steps.size();
      SubgraphNode& node = folded_.nodes[place];
      if (whole_.nodes[step.node].backward_step == i) node.backward_step = kept[i];
      if (whole_.nodes[step.node].forward_step == i) node.forward_step = kept[i];
      folded_.steps.push_back(step);
      folded_.steps.back().node = place;
      folded_.steps.back().parent = parent;
    }
  }

  template <typename Finding>
  void AddFindings(const std::vector<Finding>& whole, std::vector<Finding>& shown) const {
    for (const Finding& finding : whole) {
      if (places_[finding.node] == kNone) continue;
      shown.push_back(finding);
      shown.back().node = places_[finding.node];
    }
  }

  const Subgraph& whole_;
  std::vector<std::size_t> places_;  // by node of whole_: its place in folded_
  Subgraph folded_;
};

}  // namespace

Subgraph Fold(const Subgraph& subgraph, std::size_t shown_max) {
  if (subgraph.nodes.size() <= shown_max) return subgraph;
  std::vector<bool> stays = Kept(subgraph).nodes();
  auto shown = static_cast<std::size_t>(std::ranges::count(stays, true));
  // Nodes are in the order of their distance.
  for (std::size_t i = 0; i < stays.size() && shown < shown_max; ++i) {
    if (stays[i]) continue;
    stays[i] = true;
    ++shown;
  }
  return Folder(subgraph, stays).Run();
}

}  // namespace spoor::causality
