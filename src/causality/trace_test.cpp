// SPDX-License-Identifier: Apache-2.0
#include "causality/trace.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>

#include "causal_index/open_index.hpp"
#include "causality/graph_for_test.hpp"
#include "causality/render.hpp"
#include "causality/story_for_test.hpp"
#include "store/store.hpp"
#include "tests/machine/probes.hpp"

namespace spoor::causality {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;

constexpr unsigned kPatienceSeconds = 900;  // a guard against a hang

class TraceTest : public testing::Test {
 protected:
  explicit TraceTest(const std::string& more = "") {
    auto opened = store::OpenMemoryStore(Story::Sql() + more);
    EXPECT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }

  Subgraph Ask(std::int64_t start, const TraceOptions& options) {
    const auto index = causal_index::OpenIndex(*store_);
    EXPECT_TRUE(index) << index.error().message;
    Graph graph(*index);
    Subgraph subgraph = Trace(graph, {&start, 1}, options);
    const auto described = Describe(*store_, **index, subgraph);
    EXPECT_TRUE(described) << described.error().message;
    return subgraph;
  }

  static std::set<std::int64_t> Ids(const Subgraph& subgraph) {
    std::set<std::int64_t> ids;
    for (const SubgraphNode& node : subgraph.nodes) ids.insert(node.id);
    return ids;
  }

  static const RuleEffect& Effect(const Subgraph& subgraph, Rule rule) {
    return subgraph.rules.at(static_cast<std::size_t>(rule));
  }

  std::unique_ptr<store::Store> store_;
};

TEST_F(TraceTest, ReachesTheAttackersConnectionAndNothingUnrelated) {
  const Subgraph subgraph = Ask(Story::kCronJob, {.direction = Direction::kBackward});
  EXPECT_EQ(Ids(subgraph),
            (std::set<std::int64_t>{Story::kCronJob, Story::kCron, Story::kShell, Story::kReverse,
                                    Story::kFcgiwrap, Story::kUpstreamA, Story::kWorker,
                                    Story::kAttack, Story::kNginx}));
}

TEST_F(TraceTest, WithoutLatestInputAServerConnectsAllItsClients) {
  RuleSet rules = RuleSet::All();
  ASSERT_TRUE(rules.Remove("latest_input"));
  const Subgraph subgraph =
      Ask(Story::kCronJob, {.direction = Direction::kBackward, .rules = rules});
  EXPECT_THAT(Ids(subgraph), Contains(Story::kClient));
}

TEST_F(TraceTest, SaysWhatEachRuleRemoved) {
  const Subgraph all = Ask(Story::kCronJob, {.direction = Direction::kBackward});
  // The innocent client's two connections.
  EXPECT_EQ(Effect(all, Rule::kLatestInput).removed_nodes, 2u);
  EXPECT_EQ(Effect(all, Rule::kNoiseObjects).removed_nodes, 2u) << "/dev/null, and its writer";
  EXPECT_EQ(Effect(all, Rule::kReadOnlyFiles).removed_nodes, 2u) << "libc, a pipe";
  EXPECT_EQ(Effect(all, Rule::kOwnExecImage).removed_nodes, 1u) << "sh";
  EXPECT_EQ(Effect(all, Rule::kHelperProcesses).removed_nodes, 2u) << "id and its pipe";
  std::size_t removed = 0;
  for (const RuleEffect& effect : all.rules) removed += effect.removed_nodes;
  const Subgraph none =
      Ask(Story::kCronJob, {.direction = Direction::kBackward, .rules = RuleSet::None()});
  EXPECT_EQ(none.nodes.size(), all.nodes.size() + removed);
}

TEST_F(TraceTest, FollowsTheAttackForward) {
  const Subgraph subgraph = Ask(Story::kAttack, {.direction = Direction::kForward});
  EXPECT_THAT(Ids(subgraph), IsSupersetOf({Story::kShell, Story::kCronJob, Story::kReverse,
                                           Story::kInnocentFile}));
  EXPECT_THAT(Ids(subgraph), Not(Contains(Story::kInnocent)));
  EXPECT_THAT(Ids(subgraph), Not(Contains(Story::kClient)));
}

TEST_F(TraceTest, BothEndsOfAConnectionAreOneNode) {
  const Subgraph subgraph = Ask(Story::kServerA, {.direction = Direction::kBoth});
  std::size_t starts = 0;
  for (const SubgraphNode& node : subgraph.nodes) {
    if (!node.is_start) continue;
    ++starts;
    EXPECT_EQ(node.label, "/run/fcgiwrap.socket");
    EXPECT_EQ((std::set{node.id, node.peer_id}), (std::set{Story::kServerA, Story::kUpstreamA}));
  }
  EXPECT_EQ(starts, 1u);
  EXPECT_THAT(Ids(subgraph), IsSupersetOf({Story::kAttack, Story::kCronJob}));
}

TEST_F(TraceTest, LooksOnlyAtTheTimeAskedFor) {
  const std::int64_t moment = Story::kWallShift + 2165;
  const Subgraph before =
      Ask(Story::kCronJob, {.direction = Direction::kBackward, .until_wall_ns = moment});
  EXPECT_EQ(before.nodes.size(), 1u) << "nothing had been written yet";
  const Subgraph after =
      Ask(Story::kShell, {.direction = Direction::kForward, .from_wall_ns = moment});
  EXPECT_EQ(Ids(after), (std::set<std::int64_t>{Story::kShell, Story::kInnocentFile}));
}

TEST_F(TraceTest, KeepsTheNearestNodesAndCountsTheRest) {
  const Subgraph all = Ask(Story::kCronJob, {.direction = Direction::kBackward});
  const Subgraph few = Ask(Story::kCronJob, {.direction = Direction::kBackward, .limit = 3});
  EXPECT_EQ(few.nodes.size(), 3u);
  EXPECT_EQ(few.hidden_nodes, all.nodes.size() - 3);
  EXPECT_EQ(few.hidden_edges + few.edges.size(), all.edges.size());
  EXPECT_THAT(Ids(few), IsSupersetOf({Story::kCronJob, Story::kCron, Story::kShell}));
}

TEST_F(TraceTest, UnknownStartGivesAnEmptyAnswer) {
  EXPECT_THAT(Ask(424242, {}).nodes, IsEmpty());
}

TEST_F(TraceTest, WhyIsAChainInTheOrderOfCauses) {
  const Subgraph subgraph = Ask(Story::kCronJob, {.direction = Direction::kBackward});
  const std::string why = RenderWhy(subgraph, Why(subgraph, Story::kAttack));
  EXPECT_THAT(why, testing::StartsWith("web socket 203.0.113.9:4444 → 10.0.0.2:80\n"));
  EXPECT_THAT(why, testing::EndsWith("→ web /etc/cron.d/backup\n"));
  EXPECT_THAT(why, HasSubstr("fork 2026-"));
  std::int64_t last_ns = 0;
  for (const Step& step : Why(subgraph, Story::kAttack)) {
    if (!step.parent) continue;
    EXPECT_GE(step.end_ns, last_ns);
    last_ns = step.end_ns;
  }
  EXPECT_THAT(Why(subgraph, Story::kClient), IsEmpty());
}

class TraceWithGapsTest : public TraceTest {
 protected:
  TraceWithGapsTest()
      : TraceTest(
            "INSERT INTO recording VALUES ('r', 'sensor', 1, 'b', 1, NULL, false, NULL, NULL);"
            "INSERT INTO gap VALUES (1, 'r', 2055, 2058, 0, 0, 'io', 7, 'ring full'),"
            "(1, 'r', 2055, 2058, 0, 0, 'payload', 7, 'budget'),"
            "(1, 'r', 5000, 6000, 0, 0, 'io', 7, 'later');") {}
};

TEST_F(TraceWithGapsTest, ListsTheGapsThatOverlapTheAnswer) {
  const Subgraph subgraph = Ask(Story::kCronJob, {.direction = Direction::kBackward});
  ASSERT_EQ(subgraph.gaps.size(), 1u);
  EXPECT_EQ(subgraph.gaps[0].reason, "ring full");
  EXPECT_EQ(subgraph.gaps[0].from_ns, Story::kWallShift + 2055);
  EXPECT_EQ(subgraph.gaps[0].count, 7);
}

class TraceWithOpenGapTest : public TraceTest {
 protected:
  TraceWithOpenGapTest()
      : TraceTest(
            "INSERT INTO recording VALUES ('r', 'sensor', 1, 'b', 1, NULL, false, NULL, NULL);"
            "INSERT INTO gap VALUES (1, 'r', 2055, 9223372036854775807, 0, 9223372036854775807, "
            "'end', NULL, 'cut off');") {}
};

TEST_F(TraceWithOpenGapTest, IsAnsweredThoughTheRecorderWasKilled) {
  const Subgraph subgraph = Ask(Story::kCronJob, {});
  ASSERT_EQ(subgraph.gaps.size(), 1u);
  EXPECT_EQ(subgraph.gaps[0].until_ns, INT64_MAX);
  EXPECT_THAT(RenderJson(subgraph), HasSubstr("cut off"));
}

class TraceAtTheEndsOfTimeTest : public TraceTest {
 protected:
  TraceAtTheEndsOfTimeTest()
      : TraceTest(
            "INSERT INTO event SELECT * EXCLUDE (n) REPLACE (1000000 + n AS event_id, "
            "[-9223372036854775808, 9223372036854775807][n % 2 + 1] AS wall_ns, "
            "[0, 9223372036854775807][n // 2 + 1] AS boot_ns, "
            "[0, 9223372036854775807][n // 2 + 1] AS end_boot_ns) "
            "FROM (FROM event LIMIT 1), range(4) AS r(n);") {}
};

TEST_F(TraceAtTheEndsOfTimeTest, KeepsTheClockOfTheOtherEvents) {
  const Subgraph subgraph = Ask(Story::kCronJob, {.direction = Direction::kBackward});
  ASSERT_FALSE(subgraph.edges.empty());
  EXPECT_GE(subgraph.edges.front().begin_ns, Story::kWallShift);
  EXPECT_LT(subgraph.edges.back().end_ns, Story::kWallShift + 10'000);
}

TEST(HelperProcesses, AreRemovedInOneGoHoweverManyThereAre) {
  constexpr std::int64_t kHelpers = 20'000;
  constexpr std::int64_t kShell = 1;
  constexpr std::int64_t kFile = 2;
  GraphBuilder builder;
  builder.AddNode(kFile, NodeType::kFile);
  for (std::int64_t i = 0; i < kHelpers; ++i) {
    const std::int64_t helper = 1000 + 2 * i;
    const std::int64_t pipe = helper + 1;
    builder.AddNode(pipe, NodeType::kPipe);
    const auto flow = [&](std::int64_t from, std::int64_t to, event::EventKind kind) {
      builder.AddFlow(
          {.from_id = from, .to_id = to, .begin_ns = i, .end_ns = i, .event_id = i, .kind = kind});
    };
    flow(kShell, helper, event::EventKind::kFork);
    flow(helper, pipe, event::EventKind::kWrite);
    flow(pipe, kShell, event::EventKind::kRead);
  }
  builder.AddFlow({.from_id = kShell,
                   .to_id = kFile,
                   .begin_ns = kHelpers,
                   .end_ns = kHelpers,
                   .kind = event::EventKind::kWrite});
  Graph graph = builder.Build();
  const Subgraph subgraph = Trace(graph, std::vector{kFile}, {});
  EXPECT_EQ(subgraph.nodes.size(), 2U);
  EXPECT_EQ(subgraph.rules.back().removed_nodes, 2U * kHelpers);
}

TEST_F(TraceTest, TreeShowsUsersAndTimesAndColoursOnlyWhenAsked) {
  const Subgraph subgraph = Ask(Story::kCronJob, {.direction = Direction::kBackward});
  const std::string plain = RenderTree(subgraph, false);
  EXPECT_THAT(plain, HasSubstr("└─ write"));
  EXPECT_THAT(plain, HasSubstr("web tee[150] root: tee /etc/cron.d/backup"));
  EXPECT_THAT(plain, HasSubstr("web sh[120] uid 33: /bin/sh /srv/cgi/ping.cgi"));
  EXPECT_THAT(plain, HasSubstr("rule latest_input left out 2 nodes"));
  EXPECT_THAT(plain, Not(HasSubstr("\x1b")));
  const std::string colored = RenderTree(subgraph, true);
  EXPECT_THAT(colored, HasSubstr("\x1b[33mweb tee[150]"));
  EXPECT_THAT(colored, HasSubstr("\x1b[36mweb sh[120]"));
  EXPECT_THAT(colored, HasSubstr("\x1b[31mweb socket 203.0.113.9"));
}

TEST_F(TraceTest, JsonHoldsNodesEdgesRulesAndGaps) {
  const Subgraph subgraph = Ask(Story::kCronJob, {.direction = Direction::kBackward});
  const std::string text = RenderJson(subgraph);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  const auto json = nlohmann::json::parse(text, nullptr, false);
  ASSERT_FALSE(json.is_discarded());
  EXPECT_EQ(json["direction"], "backward");
  EXPECT_EQ(json["nodes"].size(), subgraph.nodes.size());
  EXPECT_EQ(json["nodes"][0]["label"], "/etc/cron.d/backup");
  EXPECT_EQ(json["nodes"][0]["is_start"], true);
  EXPECT_EQ(json["edges"].size(), subgraph.edges.size());
  EXPECT_EQ(json["rules"][5]["name"], "latest_input");
  EXPECT_EQ(json["rules"][5]["removed_nodes"], 2);
  EXPECT_TRUE(json["gaps"].empty());
}

TEST_F(TraceTest, DotHasWalleyesColoursAndGraphvizAcceptsIt) {
  const Subgraph subgraph = Ask(Story::kCronJob, {.direction = Direction::kBackward});
  const std::string dot = RenderDot(subgraph);
  EXPECT_THAT(dot, HasSubstr("shape=diamond"));
  EXPECT_THAT(dot, AllOf(HasSubstr("#ffe34d"), HasSubstr("#9fe8f0"), HasSubstr("#cc0000")));
  const auto svg = RenderSvg(dot, kPatienceSeconds);
  if (const std::string why = machine::WhyItHasNoGraphviz(); !why.empty()) GTEST_SKIP() << why;
  ASSERT_TRUE(svg) << svg.error().message;
  EXPECT_THAT(*svg, HasSubstr("<svg"));
  EXPECT_THAT(*svg, HasSubstr("fcgiwrap"));
}

TEST(Render, HostileTextStaysText) {
  Subgraph subgraph;
  SubgraphNode& node = subgraph.nodes.emplace_back();
  node.id = 7;
  node.type = NodeType::kProcess;
  node.command = "a\"];x[\x1b]0;t\x07";
  node.label = "\\N \\\" &lt;script&gt; <b>\n\xff";
  node.is_start = true;
  node.backward_step = 0;
  subgraph.steps.push_back({});
  subgraph.direction = Direction::kBackward;
  EXPECT_THAT(RenderTree(subgraph, false), Not(HasSubstr("\x1b")));
  EXPECT_FALSE(nlohmann::json::parse(RenderJson(subgraph), nullptr, false).is_discarded());
  const auto svg = RenderSvg(RenderDot(subgraph), kPatienceSeconds);
  if (const std::string why = machine::WhyItHasNoGraphviz(); !why.empty()) GTEST_SKIP() << why;
  ASSERT_TRUE(svg) << svg.error().message;
  EXPECT_THAT(*svg, Not(HasSubstr("<b>")));
  EXPECT_THAT(*svg, Not(HasSubstr("<script>")));
  EXPECT_THAT(*svg, HasSubstr("&amp;lt;script&amp;gt;")) << "shown as it was written";
}

TEST(Render, BrokenDotIsOneError) {
  const auto svg = RenderSvg("digraph {", kPatienceSeconds);
  ASSERT_FALSE(svg);
  if (const std::string why = machine::WhyItHasNoGraphviz(); !why.empty()) GTEST_SKIP() << why;
  EXPECT_THAT(svg.error().message, HasSubstr("dot failed: "));
}

TEST(Rules, UnknownNameListsTheKnownOnes) {
  RuleSet rules = RuleSet::All();
  const auto removed = rules.Remove("latest_inputs");
  ASSERT_FALSE(removed);
  EXPECT_THAT(removed.error().message, HasSubstr("remote_replies, latest_input"));
}

}  // namespace
}  // namespace spoor::causality
