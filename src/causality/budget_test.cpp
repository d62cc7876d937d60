// SPDX-License-Identifier: Apache-2.0
// A question that reaches much costs no more than it may, and says what it left out.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "causality/graph_for_test.hpp"
#include "causality/trace.hpp"

namespace spoor::causality {
namespace {

using event::EventKind;

constexpr std::int64_t kFile = 1;

/// A line of `length` processes, each forked by the next, the first of which wrote kFile.
GraphBuilder LineOf(std::int64_t length) {
  GraphBuilder builder;
  builder.AddNode(kFile, NodeType::kFile);
  for (std::int64_t i = 0; i < length; ++i) {
    builder.AddFlow({.from_id = 100 + i,
                     .to_id = i == 0 ? kFile : 99 + i,
                     .begin_ns = 1'000'000 - i,
                     .end_ns = 1'000'000 - i,
                     .event_id = i + 1,
                     .kind = i == 0 ? EventKind::kWrite : EventKind::kFork});
  }
  return builder;
}

TEST(Budget, OfStepsGivesWhatWasFoundAndSaysThatItIsNotAll) {
  Graph graph = LineOf(50'000).Build();
  TraceOptions options{.direction = Direction::kBackward};
  const Subgraph all = Trace(graph, std::vector{kFile}, options);
  EXPECT_EQ(all.end, WalkEnd::kAll);
  EXPECT_EQ(all.nodes.size(), 50'001u);
  options.budget.steps_max = 100;
  const Subgraph some = Trace(graph, std::vector{kFile}, options);
  EXPECT_EQ(some.end, WalkEnd::kSteps);
  EXPECT_EQ(some.nodes.size(), 100u);
  EXPECT_FALSE(some.rules.front().is_exact) << "of what was not walked nothing is counted";
}

TEST(Budget, WhoIsToldToStopAnswersWithWhatItHas) {
  Graph graph = LineOf(50'000).Build();
  TraceOptions options{.direction = Direction::kBackward};
  int asked = 0;
  options.budget.stop = [&asked] { return ++asked > 3; };
  const Subgraph some = Trace(graph, std::vector{kFile}, options);
  EXPECT_EQ(some.end, WalkEnd::kStopped);
  EXPECT_GT(some.nodes.size(), 500u);
  EXPECT_LT(some.nodes.size(), 1000u);
}

TEST(Budget, OfTheShortestWayEndsItWithoutOne) {
  Graph graph = LineOf(50'000).Build();
  TraceOptions options{.direction = Direction::kBackward};
  options.budget.stop = [] { return true; };
  const std::vector<std::int64_t> end{50'099};
  const Subgraph way = ShortestWay(graph, std::vector{kFile}, end, options);
  EXPECT_TRUE(way.steps.empty());
  EXPECT_EQ(way.end, WalkEnd::kStopped);
}

TEST(Budget, CountsOfRulesAreCutWhereTheAnswerIsNot) {
  GraphBuilder builder;
  constexpr std::int64_t kReader = 50;
  constexpr std::int64_t kFiles = 150'000;
  builder.AddNode(kFile, NodeType::kFile);
  for (std::int64_t i = 0; i < kFiles; ++i) {
    builder.AddNode(1000 + i, NodeType::kFile);
    builder.AddFlow(
        {.from_id = 1000 + i, .to_id = kReader, .begin_ns = i, .end_ns = i, .event_id = i + 1});
  }
  builder.AddFlow({.from_id = kReader,
                   .to_id = kFile,
                   .begin_ns = kFiles,
                   .end_ns = kFiles,
                   .event_id = kFiles + 1,
                   .kind = EventKind::kWrite});
  Graph graph = builder.Build();
  const Subgraph answer = Trace(graph, std::vector{kFile}, {.direction = Direction::kBackward});
  EXPECT_EQ(answer.end, WalkEnd::kAll);
  EXPECT_EQ(answer.nodes.size(), 2u);
  const RuleEffect& read_only = answer.rules[static_cast<std::size_t>(Rule::kReadOnlyFiles)];
  EXPECT_FALSE(read_only.is_exact);
  EXPECT_GT(read_only.removed_nodes, 10'000u);
}

TEST(Budget, BesideAVeryLargeAnswerNothingIsCounted) {
  Graph graph = LineOf(150'000).Build();
  const Subgraph answer = Trace(graph, std::vector{kFile}, {.direction = Direction::kBackward});
  EXPECT_EQ(answer.nodes.size(), 150'001u);
  EXPECT_EQ(answer.end, WalkEnd::kAll);
  for (const RuleEffect& effect : answer.rules) EXPECT_FALSE(effect.is_exact);
}

TEST(Budget, OfDepthGivesExactlyWhatIsThatNear) {
  // However the moments are, a node that few flows lead to is found.
  std::mt19937 random(11);
  for (int round = 0; round < 300; ++round) {
    const auto pick = [&random](std::int64_t low, std::int64_t high) {
      return std::uniform_int_distribution<std::int64_t>(low, high)(random);
    };
    struct Made {
      std::int64_t from, to, begin, end;
    };
    std::vector<Made> flows;
    GraphBuilder builder;
    for (std::int64_t i = 0; i < 14; ++i) {
      Made flow{pick(1, 7), pick(1, 7), pick(0, 20), 0};
      flow.end = flow.begin + pick(0, 4);
      if (flow.from == flow.to) continue;
      flows.push_back(flow);
      builder.AddFlow({.from_id = flow.from,
                       .to_id = flow.to,
                       .begin_ns = flow.begin,
                       .end_ns = flow.end,
                       .event_id = i + 1,
                       .kind = EventKind::kFork});
    }
    if (flows.empty()) continue;
    Graph graph = builder.Build();
    const std::int64_t start = flows[0].to;
    for (std::uint32_t depth = 1; depth < 5; ++depth) {
      // By node the latest moment at which it matters, over so many flows or fewer.
      std::map<std::int64_t, std::int64_t> latest{{start, 100}};
      for (std::uint32_t i = 0; i < depth; ++i) {
        std::map<std::int64_t, std::int64_t> next = latest;
        for (const Made& flow : flows) {
          const auto to = latest.find(flow.to);
          if (to == latest.end() || flow.begin > to->second) continue;
          auto& moment = next.try_emplace(flow.from, -1).first->second;
          moment = std::max(moment, std::min(flow.end, to->second));
        }
        latest = next;
      }
      const Subgraph near =
          Trace(graph, std::vector{start},
                {.direction = Direction::kBackward, .rules = RuleSet::None(), .hops_max = depth});
      std::set<std::int64_t> found, wanted;
      for (const SubgraphNode& node : near.nodes) found.insert(node.id);
      for (const auto& [id, moment] : latest) wanted.insert(id);
      ASSERT_EQ(found, wanted) << "depth " << depth << ", history " << round;
    }
  }
}

TEST(Budget, OfHostsLeavesOutWhatHappenedElsewhere) {
  Graph graph = LineOf(3).Build();
  const Subgraph here =
      Trace(graph, std::vector{kFile}, {.direction = Direction::kBackward, .host_ids = {1}});
  EXPECT_EQ(here.nodes.size(), 4u);
  const Subgraph elsewhere =
      Trace(graph, std::vector{kFile}, {.direction = Direction::kBackward, .host_ids = {2}});
  EXPECT_EQ(elsewhere.nodes.size(), 1u);
}

}  // namespace
}  // namespace spoor::causality
