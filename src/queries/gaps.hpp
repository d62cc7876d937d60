// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "queries/library.hpp"

namespace spoor::queries {

/// Which gaps could hide rows of an answer.
struct GapWindow {
  std::int64_t from_wall_ns = INT64_MIN;
  std::int64_t until_wall_ns = INT64_MAX;
  bool payload = false;  ///< payload that was left out matters: the question reads it
  bool operator==(const GapWindow&) const = default;
};

/// Of `query` asked with `arguments` (time, start, end). Nothing when it asks for the gaps
/// themselves.
std::optional<GapWindow> GapWindowOf(const Library& library, const Query& query,
                                     const std::vector<NamedText>& arguments,
                                     std::int64_t now_wall_ns);
/// Of any SQL: all times.
GapWindow GapWindowOf(const Library& library, std::string_view sql);

/// The queries of `library` and the tables that `sql` names.
std::vector<std::string> NamesIn(const Library& library, std::string_view sql);

/// Asks for the gaps of `window`: loss_class, count, reason, from_wall_ns, until_wall_ns, host,
/// recording_id.
std::string GapSql(const GapWindow& window);

}  // namespace spoor::queries
