// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ingest/host_state.hpp"
#include "ingest/names.hpp"
#include "store/segment_writer.hpp"

/// What is known of sockets, who their other ends are, and the flows over them.
namespace spoor::ingest {

/// Adds what `event` says about the socket `object` (its state is made on first sight).
/// `event.socket` may be absent: then only its activity counts.
void NoteSocket(HostState& host, ObjectState& object, const event::Event& event,
                std::int64_t process_id, const Moment& now);

/// Both are ends of one connection.
void PairSockets(HostState& host, std::int64_t a, std::int64_t b);

void WriteSocketRow(store::SegmentWriter& rows, const HostState& host, const ObjectState& object,
                    std::int64_t revision);
/// The row of flow, and when it is the first one of this flow, who used it.
void WriteFlowRows(store::SegmentWriter& rows, const HostState& host, const FlowState& flow,
                   std::string_view recording_id, std::int64_t revision);

}  // namespace spoor::ingest
