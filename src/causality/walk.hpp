// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <span>
#include <vector>

#include "causality/graph.hpp"
#include "causality/rules.hpp"

namespace spoor::causality {

inline constexpr std::int64_t kEarliest = std::numeric_limits<std::int64_t>::min();
inline constexpr std::int64_t kLatest = std::numeric_limits<std::int64_t>::max();
inline constexpr std::uint32_t kNoStep = 0xffffffff;

/// A node as the walk first came to it, or came to it again in another role (another connection of
/// a process that serves several).
struct WalkStep {
  NodeIndex node;
  std::uint32_t parent;    ///< index of the step it was reached from; kNoStep at a start
  EdgeIndex via;           ///< edge between this node and the parent's; unused at a start
  std::int64_t moment_ns;  ///< backward: latest moment at which the node still mattered;
                           ///< forward: earliest moment at which it was reached
  std::uint32_t hops;
};

/// Why a walk ended.
enum class WalkEnd : std::uint8_t {
  kAll,      ///< there was nothing more
  kSteps,    ///< it had made as many steps as it may
  kStopped,  ///< it was told to
};

struct Walk {
  std::vector<WalkStep> steps;   ///< in the order of reaching
  std::vector<EdgeIndex> edges;  ///< each once
  WalkEnd end = WalkEnd::kAll;   ///< but for kAll: what is here is true, and more may be missing
};

struct WalkOptions {
  bool forward = false;
  std::int64_t from_ns = kEarliest;
  std::int64_t until_ns = kLatest;
  RuleSet rules = RuleSet::All();  ///< helper_processes is not applied here
  /// The moment at which the walk leaves a start, where that is later than from_ns (forward), or
  /// earlier than until_ns (backward).
  std::map<NodeIndex, std::int64_t> leaves_ns = {};
  std::size_t steps_max = 0;        ///< 0: no limit
  std::uint32_t hops_max = 0;       ///< chains of at most so many edges; 0: of any length
  std::function<bool()> stop = {};  ///< asked now and then; true ends the walk
  /// Flows of these boots of the index only (by their place there); empty: of all.
  std::vector<bool> clocks = {};
};

/// Everything that may have caused the state of `starts` at until_ns (backward), or that their
/// state at from_ns may have caused (forward): there is a chain of edges and a moment inside each
/// edge's interval such that the moments never go back along the chain. Exact when no rule is on.
Walk WalkFrom(Graph& graph, std::span<const NodeIndex> starts, const WalkOptions& options);

/// The chain of WalkFrom with the fewest edges that leads to one of `ends`, from a start to there;
/// of several the one with the best moment. No step: there is none, or none was found before the
/// end. Each parent is the step before.
Walk ShortestWalk(Graph& graph, std::span<const NodeIndex> starts, std::span<const NodeIndex> ends,
                  const WalkOptions& options);

}  // namespace spoor::causality
