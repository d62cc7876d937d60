// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/snapshot.hpp"
#include "base/result.hpp"

namespace spoor::api {

/// What a graph begins with: `process:ID`, `session:ID`, `object:ID`, `flow:ID`, `alert:KEY`,
/// `event:ID` or `host:ID`.
struct GraphSeed {
  std::string title;
  std::vector<std::string> sentences;      ///< what is known of the seed itself
  std::vector<std::int64_t> ids;           ///< nodes to start from; empty: there is no path
  std::optional<std::int64_t> host_id;     ///< of host:ID
  std::optional<std::int64_t> process_id;  ///< the process that it is about
  std::optional<std::int64_t> wall_ns;     ///< the moment that labels hold for
};

/// Fails: kInvalidArgument (none of these forms), kNotFound.
Result<GraphSeed> SeedOf(store::Store& store, Snapshot& snapshot, std::string_view text);

/// "a session by ssh from 10.0.0.5 port 4444 on web1": how a session came in.
std::string EntryWords(const Json& session);

}  // namespace spoor::api
