// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "causal_index/flows_part.hpp"
#include "causal_index/nodes_part.hpp"
#include "causality/graph.hpp"

/// Graphs of made-up flows, for the tests and the bench of this folder.
namespace spoor::causality {

/// One flow, its times on the axis of the graph.
struct Flow {
  std::int64_t from_id = 0;
  std::int64_t to_id = 0;
  std::int64_t begin_ns = 0;
  std::int64_t end_ns = 0;
  std::int64_t event_id = 0;
  std::int64_t tid = 0;
  event::EventKind kind = event::EventKind::kRead;
  PtySide side = PtySide::kUnknown;
  bool moved_nothing = false;
};

/// Makes an index in memory, over one segment, or over several with flows given to each as `cut`
/// says.
class GraphBuilder {
 public:
  GraphBuilder() : GraphBuilder(1, [] { return std::size_t{0}; }) {}
  GraphBuilder(std::size_t segment_count, std::function<std::size_t()> cut) : cut_(std::move(cut)) {
    const std::vector<causal_index::SegmentBoot> boots{
        {.host_id = 1, .boot_id = "b", .sound = causal_index::ClockSample{}, .any = {}}};
    for (std::size_t i = 0; i < segment_count; ++i) segments_.emplace_back(boots);
  }

  void AddNode(std::int64_t id, NodeType type, NodeFacts facts = {}) {
    facts.has_sides = type == NodeType::kPty;
    nodes_.AddNode(id, type, facts);
  }
  void AddPeers(std::int64_t one_id, std::int64_t other_id) { nodes_.AddPeers(one_id, other_id); }
  void AddFlow(const Flow& flow) {
    const bool in = event::TraitsOf(flow.kind).dependence == event::Dependence::kObjectToProcess;
    segments_[cut_()].Add({.process_id = in ? flow.to_id : flow.from_id,
                           .other_id = in ? flow.from_id : flow.to_id,
                           .begin_boot_ns = flow.begin_ns,
                           .end_boot_ns = flow.end_ns,
                           .event_id = flow.event_id,
                           .tid = static_cast<std::uint32_t>(flow.tid),
                           .kind = flow.kind,
                           .side = flow.side,
                           .moved_nothing = flow.moved_nothing});
  }

  std::shared_ptr<const causal_index::Index> BuildIndex() {
    std::vector<causal_index::FlowsPart> parts;
    for (causal_index::FlowsPartBuilder& segment : segments_) {
      auto part = causal_index::FlowsPart::Open(causal_index::HeldBytes(segment.Finish({})), {});
      SPOOR_CHECK(part) << part.error().message;
      parts.push_back(*std::move(part));
    }
    std::vector<causal_index::BootClock> clocks;
    for (causal_index::Boot& boot : causal_index::MergeBoots(parts)) clocks.push_back({boot});
    nodes_.SetBoots(std::move(clocks));
    auto nodes =
        causal_index::NodesPart::Open(causal_index::HeldBytes(nodes_.Finish(parts, {})), {});
    SPOOR_CHECK(nodes) << nodes.error().message;
    auto index = causal_index::Index::Make(std::move(parts), *std::move(nodes));
    SPOOR_CHECK(index) << index.error().message;
    return *std::move(index);
  }
  Graph Build() { return Graph(BuildIndex()); }

 private:
  std::function<std::size_t()> cut_;
  std::vector<causal_index::FlowsPartBuilder> segments_;
  causal_index::NodesPartBuilder nodes_;
};

}  // namespace spoor::causality
