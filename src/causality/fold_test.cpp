// SPDX-License-Identifier: Apache-2.0
#include "causality/fold.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "causality/origins.hpp"
#include "causality/render.hpp"

namespace spoor::causality {
namespace {

using event::EventKind;

/// A described backward graph, made node by node.
class GraphMaker {
 public:
  GraphMaker() { subgraph.direction = Direction::kBackward; }

  /// `below`: the node that it leads to; itself at a start.
  std::size_t Add(NodeType type, std::size_t below, EventKind kind, std::int64_t at_ns) {
    const std::size_t place = subgraph.nodes.size();
    SubgraphNode& node = subgraph.nodes.emplace_back();
    node.id = static_cast<std::int64_t>(place) + 1;
    node.type = type;
    node.host = "h";
    node.command = node.label = "n" + std::to_string(place);
    node.is_cause = true;
    node.uid = node.euid = 33;
    node.backward_step = subgraph.steps.size();
    Step step;
    step.node = place;
    if (place == below) {
      node.is_start = true;
    } else {
      node.hops = subgraph.nodes[below].hops + 1;
      step.parent = subgraph.nodes[below].backward_step;
      subgraph.edges.push_back({.from = place,
                                .to = below,
                                .kind = kind,
                                .count = 1,
                                .begin_ns = at_ns,
                                .end_ns = at_ns});
    }
    subgraph.steps.push_back(step);
    return place;
  }

  Subgraph subgraph;
};

/// A file of a tool, below a shell with 500 other children, the work of a request that came in.
struct Example {
  Example() {
    file = maker.Add(NodeType::kFile, 0, EventKind::kWrite, 0);
    tool = maker.Add(NodeType::kProcess, file, EventKind::kWrite, 90);
    shell = maker.Add(NodeType::kProcess, tool, EventKind::kFork, 80);
    for (int i = 0; i < 500; ++i) {
      ordinary = maker.Add(i % 2 == 0 ? NodeType::kProcess : NodeType::kPipe, shell,
                           i % 2 == 0 ? EventKind::kSignal : EventKind::kRead, 30 + i % 20);
    }
    worker = maker.Add(NodeType::kProcess, shell, EventKind::kFork, 20);
    entry = maker.Add(NodeType::kSocket, worker, EventKind::kRecv, 10);
    maker.subgraph.nodes[entry].is_network_flow = true;
    maker.subgraph.nodes[entry].is_inbound = true;
    maker.subgraph.entry_points = EntryPointsOf(maker.subgraph);
  }
  Subgraph Folded() const { return Fold(maker.subgraph, kShownUsual); }

  GraphMaker maker;
  std::size_t file, tool, shell, ordinary, worker, entry;
};

bool Shows(const Subgraph& folded, std::size_t place) {
  return std::ranges::any_of(folded.nodes, [&](const SubgraphNode& node) {
    return node.id == static_cast<std::int64_t>(place) + 1;
  });
}

TEST(Fold, ShowsSixtyNodesAndTheEntryFlowWithTheWayFromIt) {
  const Example example;
  const Subgraph folded = example.Folded();
  EXPECT_EQ(folded.nodes.size(), kShownUsual);
  EXPECT_EQ(folded.hidden_nodes, example.maker.subgraph.nodes.size() - kShownUsual);
  EXPECT_EQ(folded.edges.size() + folded.hidden_edges, example.maker.subgraph.edges.size());
  EXPECT_TRUE(Shows(folded, example.entry));
  EXPECT_TRUE(Shows(folded, example.worker));
  ASSERT_EQ(folded.entry_points.size(), 1u);
  EXPECT_TRUE(folded.nodes[folded.entry_points[0].node].is_network_flow);
  EXPECT_EQ(Why(folded, static_cast<std::int64_t>(example.entry) + 1).size(), 5u);
}

TEST(Fold, SaysWhereAndHowManyNodesAreNotShown) {
  const Example example;
  const Subgraph folded = example.Folded();
  std::size_t counted = 0;
  for (const SubgraphNode& node : folded.nodes) counted += node.folded;
  EXPECT_EQ(counted, folded.hidden_nodes);
  const std::string text = RenderTree(folded, false);
  EXPECT_NE(text.find("not shown)"), std::string::npos);
  EXPECT_NE(text.find("not shown: "), std::string::npos);
}

TEST(Fold, LeavesASmallGraphAsItIs) {
  const Example example;
  const Subgraph same = Fold(example.maker.subgraph, 10'000);
  EXPECT_EQ(same.nodes.size(), example.maker.subgraph.nodes.size());
  EXPECT_EQ(same.hidden_nodes, 0u);
}

TEST(Fold, NeverHidesAnAlertNorWhatItsDataWentTo) {
  Example example;
  Subgraph& whole = example.maker.subgraph;
  const std::size_t reader =
      example.maker.Add(NodeType::kProcess, example.shell, EventKind::kSignal, 70);
  const std::size_t dropped = example.maker.Add(NodeType::kFile, reader, EventKind::kRead, 60);
  const std::size_t writer = example.maker.Add(NodeType::kProcess, dropped, EventKind::kWrite, 50);
  const std::size_t flow = example.maker.Add(NodeType::kSocket, writer, EventKind::kRecv, 40);
  const std::size_t too_early = example.maker.Add(NodeType::kFile, reader, EventKind::kRead, 35);
  whole.edges.push_back({.from = writer,
                         .to = too_early,
                         .kind = EventKind::kWrite,
                         .count = 1,
                         .begin_ns = 20,
                         .end_ns = 20});
  EXPECT_FALSE(Shows(example.Folded(), dropped));
  whole.nodes[flow].has_alert = true;
  const Subgraph folded = example.Folded();
  for (const std::size_t place : {flow, writer, dropped, reader}) EXPECT_TRUE(Shows(folded, place));
  EXPECT_FALSE(Shows(folded, too_early)) << "it was written before the alert's data came";
}

TEST(Fold, NeverHidesAChangeOfUser) {
  Example example;
  const std::size_t sudo =
      example.maker.Add(NodeType::kProcess, example.ordinary, EventKind::kFork, 15);
  EXPECT_FALSE(Shows(example.Folded(), sudo));
  example.maker.subgraph.nodes[sudo].euid = 0;
  example.maker.subgraph.nodes[example.ordinary].type = NodeType::kProcess;
  EXPECT_TRUE(Shows(example.Folded(), sudo));
  EXPECT_TRUE(Shows(example.Folded(), example.ordinary));
}

TEST(Fold, NeverHidesWhoBecameRootNorTheWayToIt) {
  Example example;
  const std::size_t risen =
      example.maker.Add(NodeType::kProcess, example.ordinary, EventKind::kSignal, 15);
  RootStep step;
  step.node = risen;
  step.cause = "unexplained";
  example.maker.subgraph.root_steps.push_back(step);
  const Subgraph folded = example.Folded();
  EXPECT_TRUE(Shows(folded, risen));
  EXPECT_TRUE(Shows(folded, example.ordinary));
  ASSERT_EQ(folded.root_steps.size(), 1u);
  EXPECT_EQ(folded.nodes[folded.root_steps[0].node].id, static_cast<std::int64_t>(risen) + 1);
}

TEST(Fold, NeverHidesATypedCommand) {
  Example example;
  const std::size_t typed =
      example.maker.Add(NodeType::kProcess, example.shell, EventKind::kSignal, 15);
  const std::size_t terminal = example.maker.Add(NodeType::kPty, typed, EventKind::kRead, 5);
  const std::size_t command =
      example.maker.Add(NodeType::kProcess, example.shell, EventKind::kSignal, 14);
  example.maker.subgraph.edges.push_back({.from = typed,
                                          .to = command,
                                          .kind = EventKind::kFork,
                                          .count = 1,
                                          .begin_ns = 6,
                                          .end_ns = 6});
  EXPECT_TRUE(Shows(example.Folded(), command));
  EXPECT_TRUE(Shows(example.Folded(), typed));
  example.maker.subgraph.nodes[terminal].type = NodeType::kPipe;
  EXPECT_FALSE(Shows(example.Folded(), command));
}

TEST(Fold, NeverHidesWhatCrossesHosts) {
  Example example;
  const std::size_t here =
      example.maker.Add(NodeType::kProcess, example.shell, EventKind::kSignal, 15);
  const std::size_t connection = example.maker.Add(NodeType::kSocket, here, EventKind::kRecv, 14);
  const std::size_t there = example.maker.Add(NodeType::kProcess, connection, EventKind::kSend, 13);
  EXPECT_FALSE(Shows(example.Folded(), there));
  example.maker.subgraph.nodes[there].host = "other";
  const Subgraph folded = example.Folded();
  for (const std::size_t place : {here, connection, there}) EXPECT_TRUE(Shows(folded, place));
}

}  // namespace
}  // namespace spoor::causality
