// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ingest/host_state.hpp"
#include "ingest/names.hpp"
#include "store/segment_writer.hpp"

namespace spoor::ingest {

/// Follows who the threads of `process` run as, and writes a row of credential_change for every
/// change with its cause. Call it for every event of the process, in order, before its effects on
/// the process are applied.
void FollowUser(ProcessState& process, const event::Event& event, std::int64_t event_id,
                store::SegmentWriter& rows);

}  // namespace spoor::ingest
