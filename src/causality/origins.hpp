// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "causality/trace.hpp"

/// Where what a backward graph shows may have begun.
namespace spoor::causality {

/// A connection, or a login at a terminal, among the causes.
struct EntryPoint {
  std::size_t node = 0;         ///< index into Subgraph::nodes
  std::size_t descendants = 0;  ///< causes that something could flow to from there, in time
  std::size_t causes = 0;       ///< of so many in all (starts count)
  std::int64_t first_ns = 0;    ///< its first flow in the graph
};
/// Those with the most descendants first; of equal ones the earliest. A described subgraph that
/// goes backward. Flows of one kind between two nodes are taken as one from the first to the last.
/// At most kEntryPointsMax candidates are looked at, those nearest to the start.
inline constexpr std::size_t kEntryPointsMax = 256;
std::vector<EntryPoint> EntryPointsOf(const Subgraph& subgraph);

/// Something that all of several starts descend from.
struct CommonOrigin {
  std::size_t node = 0;             ///< index into the first subgraph
  std::vector<std::uint32_t> hops;  ///< to each start
};
/// What is in all of these backward graphs; nearest first: by the longest way, then by all
/// together.
std::vector<CommonOrigin> CommonOriginsOf(std::span<const Subgraph> subgraphs);

}  // namespace spoor::causality
