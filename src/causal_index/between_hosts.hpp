// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "causal_index/flow.hpp"

namespace spoor::store {
class Store;
}

/// Connections of which both ends were recorded, on two hosts. Internal to this folder.
namespace spoor::causal_index {

/// How much a host's wall clock lags behind that of the host it is compared with.
struct HostSkew {
  std::int64_t host_id = 0;
  std::int64_t skew_ns = 0;
};

struct SharedConnection {
  std::int64_t client_id = 0, server_id = 0;  ///< sockets
  std::int64_t client_host_id = 0, server_host_id = 0;
};

/// TCP connections with the same pair of ends, begun within ten minutes of each other by the two
/// wall clocks; of several such the nearest in time. Addresses that were translated on the way are
/// not known again.
Result<std::vector<SharedConnection>> FindSharedConnections(store::Store& store);

/// By how much to correct each host's clock, so that nothing arrives before it was sent over
/// `connections`; no more than that takes, and hosts whose clocks agree are left out. The clocks
/// of each group of hosts that talk are compared with that of the one with the lowest id.
Result<std::vector<HostSkew>> FindSkews(store::Store& store, std::span<const Boot> boots,
                                        const std::vector<SharedConnection>& connections);

}  // namespace spoor::causal_index
