// SPDX-License-Identifier: Apache-2.0
// The answer with all rules that are on comes first. Then what each of them removed is counted: the
// rules are switched off one after the other, the last first, and the answers compared. Without
// rules a graph may be most of the store: those walks are cut where the answer is not.
#include "causality/trace.hpp"

#include <algorithm>
#include <unordered_set>

#include "causality/answer.hpp"
#include "causality/walk.hpp"

namespace spoor::causality {
namespace {

constexpr std::size_t kNotShown = static_cast<std::size_t>(-1);

class SubgraphMaker {
 public:
  SubgraphMaker(const Graph& graph, const Answer& answer, std::span<const NodeIndex> starts)
      : graph_(graph), answer_(answer) {
    for (const NodeIndex start : starts) starts_.insert(ShownNode(graph, start));
  }

  void Fill(std::size_t limit, Subgraph& subgraph) {
    PlaceNodes(limit, subgraph);
    AddSteps(answer_.backward, &SubgraphNode::backward_step, &SubgraphNode::is_cause, subgraph);
    AddSteps(answer_.forward, &SubgraphNode::forward_step, &SubgraphNode::is_effect, subgraph);
    for (const auto& [key, flows] : answer_.edges) {
      const auto& [from, to, kind] = key;
      const std::size_t from_place = PlaceOf(from);
      const std::size_t to_place = PlaceOf(to);
      if (from_place == kNotShown || to_place == kNotShown) {
        ++subgraph.hidden_edges;
        continue;
      }
      subgraph.edges.push_back({.from = from_place,
                                .to = to_place,
                                .kind = kind,
                                .count = flows.count,
                                .begin_ns = flows.begin_ns,
                                .end_ns = flows.end_ns,
                                .first_event_id = flows.first_event_id,
                                .last_event_id = flows.last_event_id,
                                .skew_ns = flows.skew_ns});
    }
    std::ranges::stable_sort(subgraph.edges, {}, [](const SubgraphEdge& edge) {
      return std::tuple(edge.begin_ns, edge.end_ns, edge.first_event_id);
    });
  }

 private:
  std::size_t PlaceOf(NodeIndex node) const {
    const auto place = places_.find(ShownNode(graph_, node));
    return place == places_.end() ? kNotShown : place->second;
  }

  // Nearest first; among equals in the order of reaching.
  void PlaceNodes(std::size_t limit, Subgraph& subgraph) {
    struct Place {
      std::uint32_t hops;
      std::size_t order;
      NodeIndex node;
      auto operator<=>(const Place&) const = default;  // NOLINT(modernize-use-nullptr): no pointer
    };
    std::unordered_map<NodeIndex, Place> nearest;
    std::size_t order = 0;
    for (const Walk* walk : {&answer_.backward, &answer_.forward}) {
      for (const WalkStep& step : walk->steps) {
        const NodeIndex node = ShownNode(graph_, step.node);
        if (answer_.nodes.at(node)) continue;
        const Place place{step.hops, order++, node};
        const auto [known, added] = nearest.try_emplace(node, place);
        if (!added) known->second = std::min(known->second, place);
      }
    }
    std::vector<Place> places;
    places.reserve(nearest.size());
    for (const auto& [node, place] : nearest) places.push_back(place);
    std::ranges::sort(places);
    if (limit > 0 && places.size() > limit) {
      subgraph.hidden_nodes = places.size() - limit;
      places.resize(limit);
    }
    for (const Place& place : places) {
      places_[place.node] = subgraph.nodes.size();
      SubgraphNode& node = subgraph.nodes.emplace_back(ShownNodeOf(graph_, place.node));
      node.is_start = starts_.contains(place.node);
      node.hops = place.hops;
    }
  }

  // Steps at nodes that are not shown fall out of the chains that pass through them.
  void AddSteps(const Walk& walk, std::optional<std::size_t> SubgraphNode::*first_step,
                bool SubgraphNode::*reached, Subgraph& subgraph) {
    std::vector<std::optional<std::size_t>> shown(walk.steps.size());
    for (std::size_t index = 0; index < walk.steps.size(); ++index) {
      const WalkStep& step = walk.steps[index];
      const std::optional<std::size_t> parent =
          step.parent == kNoStep ? std::nullopt : shown[step.parent];
      const std::size_t node = PlaceOf(step.node);
      if (node == kNotShown) {
        shown[index] = parent;
        continue;
      }
      Step made{.node = node, .parent = parent};
      if (step.parent != kNoStep) SetFlow(graph_, graph_.edge(step.via), made);
      shown[index] = subgraph.steps.size();
      SubgraphNode& shown_node = subgraph.nodes[node];
      shown_node.*reached = true;
      if (!(shown_node.*first_step)) shown_node.*first_step = subgraph.steps.size();
      subgraph.steps.push_back(made);
    }
  }

  const Graph& graph_;
  const Answer& answer_;
  std::unordered_set<NodeIndex> starts_;
  std::unordered_map<NodeIndex, std::size_t> places_;
};

/// What each rule left out of `answer`.
std::vector<RuleEffect> CountRules(Graph& graph, std::span<const NodeIndex> starts,
                                   TraceOptions options, const Answer& answer) {
  constexpr std::size_t kCountedStepsMax = 100'000;
  std::vector<RuleEffect> effects;
  for (const RuleDescription& rule : AllRules()) {
    effects.push_back({.rule = rule, .enabled = options.rules.Has(rule.rule)});
  }
  const std::size_t answered = answer.backward.steps.size() + answer.forward.steps.size();
  std::size_t& steps_max = options.budget.steps_max;
  steps_max = steps_max == 0 ? kCountedStepsMax : std::min(steps_max, kCountedStepsMax);
  steps_max = std::max(steps_max, answered + 1);
  std::size_t nodes = answer.node_count;
  std::size_t edges = answer.edges.size();
  // Beside an answer of that size nobody waits for what the rules left out.
  bool counts = answer.end() == WalkEnd::kAll && answered <= kCountedStepsMax;
  for (std::size_t i = effects.size(); i-- > 0;) {
    RuleEffect& effect = effects[i];
    if (!effect.enabled) continue;
    effect.is_exact = counts;
    if (!counts) continue;
    RuleSet before = RuleSet::None();
    for (std::size_t j = 0; j < i; ++j) {
      if (effects[j].enabled) before = before.With(effects[j].rule.rule);
    }
    const Answer without = AnswerOf(graph, starts, options, before);
    effect.removed_nodes = without.node_count - std::min(nodes, without.node_count);
    effect.removed_edges = without.edges.size() - std::min(edges, without.edges.size());
    effect.is_exact = counts = without.end() == WalkEnd::kAll;
    nodes = without.node_count;
    edges = without.edges.size();
  }
  return effects;
}

}  // namespace

Subgraph Trace(Graph& graph, std::span<const std::int64_t> start_ids, const TraceOptions& options) {
  Subgraph subgraph;
  subgraph.direction = options.direction;
  subgraph.from_wall_ns = options.from_wall_ns;
  subgraph.until_wall_ns = options.until_wall_ns;
  const std::vector<NodeIndex> starts = NodesOf(graph, start_ids);
  if (starts.empty()) return subgraph;

  const Answer answer = AnswerOf(graph, starts, options, options.rules);
  subgraph.end = answer.end();
  subgraph.rules = CountRules(graph, starts, options, answer);
  SubgraphMaker(graph, answer, starts).Fill(options.limit, subgraph);
  return subgraph;
}

std::vector<Step> Why(const Subgraph& subgraph, std::int64_t id) {
  std::vector<Step> chain;
  const auto node = std::ranges::find_if(subgraph.nodes, [id](const SubgraphNode& candidate) {
    return candidate.id == id || candidate.peer_id == id;
  });
  if (id == 0 || node == subgraph.nodes.end()) return chain;
  const bool is_cause = node->backward_step.has_value();
  std::optional<std::size_t> step = is_cause ? node->backward_step : node->forward_step;
  for (; step; step = subgraph.steps[*step].parent) chain.push_back(subgraph.steps[*step]);
  if (!is_cause) std::ranges::reverse(chain);
  return chain;
}

}  // namespace spoor::causality
