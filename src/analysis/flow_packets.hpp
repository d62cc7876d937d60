// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "base/result.hpp"
#include "base/store_layout.hpp"
#include "store/store.hpp"

/// The packets of a flow, out of the captures that are in the evidence.
namespace spoor::analysis {

struct FlowPackets {
  std::uint64_t capture_count = 0;  ///< that have some; 0: nothing was written
  std::uint64_t flow_count = 0;     ///< flows of packets in them
  std::uint64_t packet_count = 0;
};

/// Calls `write` with the parts of a pcapng file that has all packets of the flow, or, when it is
/// another observer's, of its connection. A comment on each says which process it was and why that
/// is believed. A flow names the import that it is from; that capture is read twice, once for
/// which of its flows it is, once for the packets. Fails: kUnverified (evidence), or as `write`.
Result<FlowPackets> WriteFlowPackets(store::Store& store, const StoreLayout& layout,
                                     std::int64_t flow_id,
                                     const std::function<Result<>(std::string_view)>& write);

}  // namespace spoor::analysis
