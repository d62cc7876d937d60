// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "causal_index/flow.hpp"
#include "causal_index/index_file.hpp"
#include "causal_index/packed_columns.hpp"

/// The flows of one segment of events: by process, and for each other thing where its flows are.
namespace spoor::causal_index {

/// What a part knows of a node without looking at its flows.
struct NodeSummary {
  bool has_flows_in = false;  ///< that lead to it, be it not as somebody's peer
  bool was_executed = false;
  bool has_sides = false;  ///< some flow tells which end of it was used
  bool is_process = false;

  std::uint8_t bits() const;
  static NodeSummary OfBits(std::int64_t bits);
};

/// Collects the flows of one segment.
class FlowsPartBuilder {
 public:
  explicit FlowsPartBuilder(std::vector<SegmentBoot> boots) : boots_(std::move(boots)) {}
  /// In the order of the segment's rows. Flows of a process to itself say nothing and are left out.
  void Add(const EventFlow& flow);
  std::size_t flow_count() const { return flows_.size(); }
  /// The file. Leaves the builder empty.
  std::vector<std::byte> Finish(const SourceDigest& source);

 private:
  std::vector<SegmentBoot> boots_;
  std::vector<EventFlow> flows_;
};

/// A flow as a part holds it: nodes by their place in the part.
struct PartFlow {
  std::uint32_t owner = 0;  ///< the process that did it
  std::uint32_t other = 0;
  std::uint32_t boot = 0;
  std::int64_t begin_boot_ns = 0, end_boot_ns = 0;
  std::int64_t event_id = 0;
  std::uint32_t tid = 0;
  event::EventKind kind = event::EventKind::kRead;
  PtySide side = PtySide::kUnknown;
  bool moved_nothing = false;
};

/// Reads such a file. Copies share the bytes. Safe from any thread.
class FlowsPart {
 public:
  /// Fails as IndexFile::Open.
  static Result<FlowsPart> Open(std::shared_ptr<const Bytes> bytes, const SourceDigest& source);

  std::uint32_t flow_count() const { return static_cast<std::uint32_t>(flows_.row_count()); }
  std::uint32_t node_count() const { return static_cast<std::uint32_t>(nodes_.row_count() - 1); }
  std::uint64_t size_bytes() const { return file_.size_bytes(); }
  const std::vector<SegmentBoot>& boots() const { return boots_; }

  /// `node` is below node_count(); ids ascend.
  std::int64_t IdOf(std::uint32_t node) const { return nodes_.At(node, 0); }
  NodeSummary SummaryOf(std::uint32_t node) const;
  /// Calls `take(number in this part, flow)` for each flow of `node`, by ascending number until it
  /// says false; first those that the node did, then those of others with it. False: the part holds
  /// something that cannot be.
  template <typename Take>
  bool ForEachFlow(std::uint32_t node, Take&& take) const {
    std::int64_t here[kNodeColumns], next[kNodeColumns];
    nodes_.Row(node, here);
    nodes_.Row(node + 1, next);
    PartFlow flow;
    for (std::int64_t number = here[1]; number < next[1]; ++number) {
      if (!Read(number, flow)) return false;
      if (!take(static_cast<std::uint32_t>(number), flow)) return true;
    }
    for (std::int64_t place = here[2]; place < next[2]; ++place) {
      if (place < 0 || static_cast<std::uint64_t>(place) >= references_.row_count()) return false;
      const std::int64_t number = references_.At(static_cast<std::uint64_t>(place), 0);
      if (!Read(number, flow)) return false;
      if (!take(static_cast<std::uint32_t>(number), flow)) return true;
    }
    return true;
  }

 private:
  static constexpr std::size_t kNodeColumns = 4;
  bool Read(std::int64_t number, PartFlow& flow) const;
  Result<> ReadBoots(std::span<const std::byte> numbers, std::span<const std::byte> texts);

  IndexFile file_;
  PackedColumns nodes_, flows_, references_;
  std::vector<SegmentBoot> boots_;
};

}  // namespace spoor::causal_index
