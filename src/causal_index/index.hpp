// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.hpp"
#include "causal_index/flows_part.hpp"
#include "causal_index/nodes_part.hpp"

/// All of a store that says who may have caused what: the parts of its segments, and its nodes.
namespace spoor::causal_index {

/// Immutable and safe from any thread.
class Index {
 public:
  /// `nodes` was made over these `parts`. Fails: kCorrupt (it was not), kUnsupported (more flows
  /// than 32 bits count).
  static Result<std::shared_ptr<const Index>> Make(std::vector<FlowsPart> parts, NodesPart nodes);

  const NodesPart& nodes() const { return nodes_; }
  const std::vector<FlowsPart>& parts() const { return parts_; }
  /// Baseline forks and flows; their numbers are below it.
  FlowNumber flow_count() const { return flow_count_; }
  /// The number in the index of flow 0 of `part`.
  FlowNumber FirstFlowOf(std::uint32_t part) const { return first_flows_[part]; }
  /// Of boot number `boot` of `part`: its place in nodes().boots().
  std::uint32_t ClockOf(std::uint32_t part, std::uint32_t boot) const { return boots_[part][boot]; }
  /// The boots alone, for BootShifts.
  std::vector<Boot> Boots() const;
  std::uint64_t size_bytes() const;

  /// That something was read that no builder writes: what was answered is worth nothing.
  void ReportDamage() const { damaged_ = true; }
  bool damaged() const { return damaged_; }

 private:
  Index() = default;

  std::vector<FlowsPart> parts_;
  NodesPart nodes_;
  FlowNumber flow_count_ = 0;
  std::vector<FlowNumber> first_flows_;
  std::vector<std::vector<std::uint32_t>> boots_;  // by part and its boots: place in nodes_.boots()
  mutable std::atomic<bool> damaged_ = false;
};

/// The boots of `parts`, each once, by the earliest event that any part has of it.
std::vector<Boot> MergeBoots(const std::vector<FlowsPart>& parts);

}  // namespace spoor::causal_index
