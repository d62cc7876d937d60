// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "event/event.hpp"

/// The words of the causal index. Rules of dependence: docs/design/0004-causal-rules.md.
namespace spoor::causal_index {

/// Number of a node in one index: the place of its id among all ids of the index.
using NodeIndex = std::uint32_t;
inline constexpr NodeIndex kNoNode = 0xffffffff;
/// Number of a flow in one index, in the order in which the store holds the events.
using FlowNumber = std::uint32_t;

enum class NodeType : std::uint8_t { kProcess, kFile, kSocket, kPipe, kPty, kOther };

/// Which end of a terminal a flow used.
enum class PtySide : std::uint8_t { kUnknown, kSlave, kMaster };

/// What the tables say of a node.
struct NodeFacts {
  bool noise : 1 = false;      ///< matches the list of rule noise_objects
  bool remote : 1 = false;     ///< connection whose other end is on a machine that was not recorded
  bool inbound : 1 = false;    ///< connection that was accepted on this host
  bool outbound : 1 = false;   ///< connection that was opened from this host
  bool has_sides : 1 = false;  ///< terminal of which flows use one end or the other
};

/// One event that carries a dependence: something may have gone between the process and the other
/// thing at any moment of [begin_boot_ns, end_boot_ns], in the direction that the kind says.
struct EventFlow {
  std::int64_t process_id = 0;  ///< who did it
  std::int64_t other_id = 0;    ///< the object, or the child, or who got the signal
  std::uint32_t boot = 0;       ///< place among the boots of its segment
  std::int64_t begin_boot_ns = 0, end_boot_ns = 0;
  std::int64_t event_id = 0;
  std::uint32_t tid = 0;
  event::EventKind kind = event::EventKind::kRead;
  PtySide side = PtySide::kUnknown;
  bool moved_nothing = false;  ///< end of file, or an empty message
};

/// The first event of a boot says what has to be added to its clock to get the wall clock.
struct ClockSample {
  std::int64_t end_boot_ns = 0;
  std::int64_t wall_minus_boot_ns = 0;
};

/// One boot of one host, as the events of one segment know it.
struct SegmentBoot {
  std::int64_t host_id = 0;
  std::string boot_id;
  std::optional<ClockSample> sound;  ///< of the events whose times can be
  std::optional<ClockSample> any;
};

/// One boot of one host, as all events know it.
struct Boot {
  std::int64_t host_id = 0;
  std::string boot_id;
  std::int64_t shift_ns = 0;  ///< to be added to the boot clock to get the host's wall time
};

}  // namespace spoor::causal_index
