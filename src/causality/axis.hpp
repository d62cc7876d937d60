// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace spoor::causality {

/// How much a host's wall clock lags behind that of the host it is compared with.
struct HostSkew {
  std::int64_t host_id = 0;
  std::int64_t skew_ns = 0;
};

/// Common table expression `boot(host_id, boot_id, shift_ns)`: what to add to a boot time to put it
/// on the axis of Graph. `skews` are added for their hosts; without them the axis is each host's
/// own wall time, which is what people are told. An event at boot time 0, or at the ends of wall
/// time, had a time that could not be (event/number_range.hpp) and says nothing about the clocks.
std::string BootShifts(std::span<const HostSkew> skews = {});

}  // namespace spoor::causality
