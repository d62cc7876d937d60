// SPDX-License-Identifier: Apache-2.0
#include "causality/origins.hpp"

#include <gtest/gtest.h>

namespace spoor::causality {
namespace {

SubgraphNode Node(std::int64_t id, bool is_flow, std::uint32_t hops) {
  SubgraphNode node;
  node.id = id;
  node.type = is_flow ? NodeType::kSocket : NodeType::kProcess;
  node.is_network_flow = is_flow;
  node.is_cause = true;
  node.hops = hops;
  return node;
}

/// A start, its maker, and two connections of that: one of before, one of after the start's last
/// input.
Subgraph Example() {
  Subgraph subgraph;
  subgraph.nodes = {Node(1, false, 0), Node(2, false, 1), Node(3, true, 2), Node(4, true, 2)};
  subgraph.edges = {{.from = 2, .to = 1, .begin_ns = 10, .end_ns = 10},
                    {.from = 1, .to = 0, .begin_ns = 20, .end_ns = 20},
                    {.from = 3, .to = 1, .begin_ns = 30, .end_ns = 30}};
  return subgraph;
}

TEST(Origins, TheEntryThatMostDescendsFromInTimeIsFirst) {
  const std::vector<EntryPoint> points = EntryPointsOf(Example());
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(points[0].node, 2u);
  EXPECT_EQ(points[0].descendants, 2u);
  EXPECT_EQ(points[0].first_ns, 10);
  EXPECT_EQ(points[1].descendants, 1u);  // it came too late for the start
}

TEST(Origins, WhatWasOpenedHereIsBehindWhatCameInUnlessMuchMoreDescendsFromIt) {
  Subgraph subgraph = Example();
  subgraph.nodes[3].is_inbound = true;
  subgraph.edges[2].begin_ns = subgraph.edges[2].end_ns = 15;
  std::vector<EntryPoint> points = EntryPointsOf(subgraph);
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(points[0].node, 3u) << "as many descend from either";
  subgraph.edges[2].begin_ns = subgraph.edges[2].end_ns = 30;
  points = EntryPointsOf(subgraph);
  EXPECT_EQ(points[0].node, 2u);
}

TEST(Origins, AConnectionWhoseOtherEndIsInTheGraphIsNoEntry) {
  Subgraph subgraph = Example();
  subgraph.nodes[2].peer_id = 33;
  ASSERT_EQ(EntryPointsOf(subgraph).size(), 2u) << "nothing is known of what led to it";
  subgraph.nodes.push_back(Node(5, false, 3));
  subgraph.edges.push_back({.from = 4, .to = 2, .begin_ns = 5, .end_ns = 5});
  const std::vector<EntryPoint> points = EntryPointsOf(subgraph);
  ASSERT_EQ(points.size(), 1u);
  EXPECT_EQ(points[0].node, 3u);
}

TEST(Origins, ClocksOfSeveralHostsAreCorrectedBeforeTheyAreCompared) {
  Subgraph subgraph = Example();
  subgraph.edges[0].begin_ns = subgraph.edges[0].end_ns = 25;  // by a clock that is ahead
  EXPECT_EQ(EntryPointsOf(subgraph)[0].descendants, 1u);
  subgraph.edges[0].skew_ns = -15;
  EXPECT_EQ(EntryPointsOf(subgraph)[0].descendants, 2u);
}

TEST(Origins, NeitherAStartNorAnEffectIsAnEntry) {
  Subgraph subgraph = Example();
  subgraph.nodes[2].is_start = true;
  EXPECT_EQ(EntryPointsOf(subgraph).size(), 1u);
  subgraph.nodes[3].is_cause = false;
  subgraph.nodes[3].is_effect = true;
  EXPECT_TRUE(EntryPointsOf(subgraph).empty());
}

TEST(Origins, WhatIsInAllGraphsIsCommonNearestFirst) {
  Subgraph other = Example();
  other.nodes[0].id = 9;
  other.nodes[1].hops = 5;
  other.nodes.pop_back();
  other.edges.pop_back();
  const std::vector<Subgraph> both{Example(), other};
  const std::vector<CommonOrigin> origins = CommonOriginsOf(both);
  ASSERT_EQ(origins.size(), 2u);
  EXPECT_EQ(origins[0].node, 2u);
  EXPECT_EQ(origins[0].hops, (std::vector<std::uint32_t>{2, 2}));
  EXPECT_EQ(origins[1].node, 1u);
  EXPECT_TRUE(CommonOriginsOf({}).empty());
}

}  // namespace
}  // namespace spoor::causality
