// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace spoor::packets {

/// When a flow is over though nobody said so, and how much is remembered at a time.
struct FlowPolicy {
  /// Idle time of an established TCP connection.
  std::int64_t established_idle_ns = 3'600'000'000'000;
  /// Of everything else: attempts, closed connections, UDP, ICMP.
  std::int64_t other_idle_ns = 60'000'000'000;
  /// A flow that goes on for longer is told in parts, each a flow of the same connection that
  /// counts what is its own; 0: as one, however long.
  std::int64_t active_ns = 0;
  /// Flows at a time; beyond, the one that was idle longest ends early (flows_cut).
  std::size_t flows_max = 500'000;
  /// For the beginnings of what is spoken, all flows together; beyond, they are not looked into
  /// (conversations_not_followed).
  std::size_t conversation_bytes_max = 64 << 20;
};

}  // namespace spoor::packets
