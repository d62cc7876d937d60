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

/// Connections and logins among the causes, those with the most descendants first; of equal ones
/// the earliest. Of a connection that was opened here half of them count: something here did that.
/// One whose other end was recorded is no entry where its own causes are in the graph, nor is a
/// start. A described subgraph that goes backward; of others there are none. Flows of one kind
/// between two nodes are taken as one from the first to the last. At most kEntryPointsMax
/// candidates are looked at, those nearest to the start.
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
