// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/store_layout.hpp"
#include "evidence/tree.hpp"
#include "ingest/catch_up.hpp"
#include "store/store.hpp"

/// The packets of a flow, out of the captures that are in the evidence.
namespace spoor::analysis {

struct FlowPackets {
  std::uint64_t capture_count = 0;  ///< that have some; 0: nothing was written
  std::uint64_t flow_count = 0;     ///< flows of packets in them
  std::uint64_t packet_count = 0;
};

/// The packets wanted of one capture, which was imported.
struct FlowCapture {
  std::string recording_id;
  ingest::ImportDescription description;
  evidence::EntryRange entries;                  ///< of the log, that have it
  std::map<std::int64_t, std::string> comments;  ///< on the packets, by flow_id
};

/// Those that have packets of the flow, or, when it is another observer's, of its connection.
Result<std::vector<FlowCapture>> FindFlowCaptures(store::Store& store, std::int64_t flow_id);

/// Calls `write` with the parts of a pcapng file that has all these packets. A comment on each says
/// which process it was and why that is believed. Each capture is read twice, once for which of its
/// flows are wanted, once for the packets. Fails: kUnverified (evidence), or as `write`.
Result<FlowPackets> WriteFlowPackets(const StoreLayout& layout,
                                     const std::vector<FlowCapture>& captures,
                                     const std::function<Result<>(std::string_view)>& write);

}  // namespace spoor::analysis
