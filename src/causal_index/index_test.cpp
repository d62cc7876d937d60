// SPDX-License-Identifier: Apache-2.0
#include "causal_index/index.hpp"

#include <gmock/gmock.h>

#include "causal_index/axis.hpp"
#include "causal_index/open_index.hpp"
#include "store/store.hpp"

namespace spoor::causal_index {
namespace {

using event::EventKind;
using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<SegmentBoot> kBoots{
    {.host_id = 1, .boot_id = "b", .sound = ClockSample{5, 100}, .any = ClockSample{5, 100}}};

std::vector<std::byte> File(const SourceDigest& source = {}) {
  FlowsPartBuilder builder(kBoots);
  for (std::int64_t i = 0; i < 300; ++i) {
    builder.Add({.process_id = 30 - i % 3,
                 .other_id = 1000 + i % 7,
                 .begin_boot_ns = 10 * i,
                 .end_boot_ns = 10 * i + 5,
                 .event_id = i,
                 .tid = 4,
                 .kind = i % 2 == 0 ? EventKind::kRead : EventKind::kWrite});
  }
  builder.Add({.process_id = 28, .other_id = 28, .kind = EventKind::kSignal});
  return builder.Finish(source);
}

TEST(FlowsPart, HoldsEachFlowAtBothEnds) {
  const auto part = FlowsPart::Open(HeldBytes(File()), {});
  ASSERT_TRUE(part) << part.error().message;
  EXPECT_EQ(part->flow_count(), 300U) << "a signal to oneself says nothing";
  ASSERT_EQ(part->node_count(), 10U);
  std::size_t seen = 0;
  for (std::uint32_t node = 0; node < part->node_count(); ++node) {
    const bool sound = part->ForEachFlow(node, [&](std::uint32_t, const PartFlow& flow) {
      EXPECT_TRUE(flow.owner == node || flow.other == node);
      EXPECT_EQ(part->IdOf(flow.owner), 30 - flow.event_id % 3);
      EXPECT_EQ(part->IdOf(flow.other), 1000 + flow.event_id % 7);
      EXPECT_EQ(flow.begin_boot_ns, 10 * flow.event_id);
      EXPECT_EQ(flow.end_boot_ns, 10 * flow.event_id + 5);
      EXPECT_EQ(flow.kind, flow.event_id % 2 == 0 ? EventKind::kRead : EventKind::kWrite);
      ++seen;
      return true;
    });
    EXPECT_TRUE(sound);
  }
  EXPECT_EQ(seen, 600U);
}

TEST(FlowsPart, IsNotBelievedWhenAnyByteDiffers) {
  const std::vector<std::byte> whole = File();
  for (std::size_t place = 0; place < whole.size(); ++place) {
    std::vector<std::byte> changed = whole;
    changed[place] ^= std::byte{1};
    EXPECT_FALSE(FlowsPart::Open(HeldBytes(std::move(changed)), {})) << place;
  }
  SourceDigest other{};
  other[0] = std::byte{1};
  const auto part = FlowsPart::Open(HeldBytes(whole), other);
  ASSERT_FALSE(part);
  EXPECT_THAT(part.error().message, HasSubstr("derived from something else"));
}

TEST(MergeBoots, TakesTheEarliestSoundEventOfAnyPart) {
  std::vector<FlowsPart> parts;
  const auto add = [&parts](std::optional<ClockSample> sound, ClockSample any) {
    FlowsPartBuilder builder({{.host_id = 1, .boot_id = "b", .sound = sound, .any = any}});
    parts.push_back(*FlowsPart::Open(HeldBytes(builder.Finish({})), {}));
  };
  add(std::nullopt, {0, 7});
  EXPECT_EQ(MergeBoots(parts).at(0).shift_ns, 7) << "better than nothing";
  add(ClockSample{20, 200}, {20, 200});
  add(ClockSample{10, 100}, {0, 9});
  EXPECT_EQ(MergeBoots(parts).at(0).shift_ns, 100);
  EXPECT_EQ(MergeBoots(parts).size(), 1U);
}

TEST(NodesPart, KnowsNodesOfTablesAndOfFlows) {
  std::vector<FlowsPart> parts;
  parts.push_back(*FlowsPart::Open(HeldBytes(File()), {}));
  NodesPartBuilder builder;
  builder.SetBoots({{.boot = MergeBoots(parts).at(0), .skew_ns = 3}});
  builder.AddNode(1000, NodeType::kSocket, {.remote = true, .inbound = true});
  builder.AddNode(1001, NodeType::kFile, {.noise = true});
  builder.AddNode(5, NodeType::kPipe);
  builder.AddPeers(1000, 77);
  builder.AddBaselineFork({.parent_id = 29, .child_id = 30, .boot = 0, .start_boot_ns = 4});
  const auto nodes = NodesPart::Open(HeldBytes(builder.Finish(parts, {})), {});
  ASSERT_TRUE(nodes) << nodes.error().message;
  EXPECT_EQ(nodes->node_count(), 12U);
  const NodeIndex socket = *nodes->Find(1000);
  const NodeIndex other_end = *nodes->Find(77);
  EXPECT_EQ(nodes->PeerOf(socket), other_end);
  EXPECT_THAT(nodes->PeersTo(socket), ElementsAre(other_end));
  EXPECT_FALSE(nodes->FactsOf(socket).remote) << "its other end was seen";
  EXPECT_TRUE(nodes->FactsOf(socket).inbound);
  EXPECT_TRUE(nodes->FactsOf(*nodes->Find(1001)).noise);
  EXPECT_EQ(nodes->TypeOf(*nodes->Find(5)), NodeType::kPipe);
  EXPECT_EQ(nodes->TypeOf(*nodes->Find(29)), NodeType::kProcess) << "as its flows say";
  EXPECT_TRUE(nodes->PostingsOf(*nodes->Find(5)).empty());
  EXPECT_EQ(nodes->PostingsOf(socket).size(), 1U);
  EXPECT_FALSE(nodes->Find(6).has_value());
  ASSERT_EQ(nodes->ForksOf(*nodes->Find(30)).size(), 1U);
  EXPECT_EQ(nodes->ForksOf(*nodes->Find(30))[0].parent, *nodes->Find(29));
  EXPECT_EQ(nodes->boots().at(0).skew_ns, 3);
}

TEST(Index, IsNotMadeOfPartsOfAnotherBoot) {
  std::vector<FlowsPart> parts;
  parts.push_back(*FlowsPart::Open(HeldBytes(File()), {}));
  NodesPartBuilder builder;
  auto nodes = NodesPart::Open(HeldBytes(builder.Finish(parts, {})), {});
  ASSERT_TRUE(nodes);
  EXPECT_FALSE(Index::Make(std::move(parts), *std::move(nodes)));
}

TEST(OpenIndex, OfAStoreInMemoryHasItsFlows) {
  const auto store = store::OpenMemoryStore(
      "INSERT INTO process (process_id, host_id, boot_id, pid, start_boot_ns, baseline) VALUES "
      "(7, 1, 'b', 7, 1, false);"
      "INSERT INTO object (object_id, host_id, type, first_boot_ns, path) VALUES "
      "(9, 1, 'pty', 1, '/dev/pts/0');"
      "INSERT INTO event (event_id, host_id, boot_id, boot_ns, end_boot_ns, wall_ns, process_id, "
      "tid, kind, object_id, size_bytes, count, result, uid, euid, baseline) VALUES "
      "(1, 1, 'b', 5, 6, 106, 7, 7, 'read', 9, 0, 1, 0, 0, 0, false), "
      "(2, 1, 'b', 7, 8, 108, 7, 7, 'write', 9, 4, 1, -5, 0, 0, false), "
      "(3, 1, 'b', 9, 9, 109, 7, 7, 'write', 9, 4, 1, 4, 0, 0, true);"
      "INSERT INTO io (event_id, host_id, process_id, object_id, fd, boot_ns, wall_ns, direction, "
      "size_bytes, pty_master) VALUES (1, 1, 7, 9, 0, 6, 106, 'in', 0, true);");
  ASSERT_TRUE(store) << store.error().message;
  const auto index = OpenIndex(**store);
  ASSERT_TRUE(index) << index.error().message;
  EXPECT_EQ((*index)->flow_count(), 1U) << "what failed and what was there before are no flows";
  const FlowsPart& part = (*index)->parts().at(0);
  (void)part.ForEachFlow(0, [](std::uint32_t, const PartFlow& flow) {
    EXPECT_EQ(flow.side, PtySide::kMaster);
    EXPECT_TRUE(flow.moved_nothing);
    EXPECT_EQ(flow.end_boot_ns, 6);
    return true;
  });
  EXPECT_EQ((*index)->Boots().at(0).shift_ns, 100);
  EXPECT_THAT(BootShifts((*index)->Boots()), HasSubstr("'b'"));
}

}  // namespace
}  // namespace spoor::causal_index
