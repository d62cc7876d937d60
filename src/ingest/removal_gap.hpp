// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/store_layout.hpp"
#include "store/catalog.hpp"
#include "wire/retention.hpp"

/// The row of gap for what a policy removed from the beginning of the log: of recordings that are
/// gone as a whole nothing else would say that they were there.
namespace spoor::ingest {

/// What it goes by in the catalog and in the row: no recording's.
inline constexpr std::string_view kRemovalRecordingId = "00000000000000000000000000000000";

/// Writes the row as segments of `generation`. `entry`: the newest retention entry, which says
/// `retention`. The gap is of all hosts, from the beginning of time to the first entry that was
/// kept. Fails: kIo.
Result<std::vector<store::Segment>> WriteRemovalGap(const StoreLayout& layout,
                                                    const wire::Retention& retention,
                                                    std::uint64_t entry, std::uint64_t generation);

}  // namespace spoor::ingest
