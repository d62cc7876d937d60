// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace spoor::causality {

/// Common table expression `boot(host_id, boot_id, shift_ns)`: what to add to a boot time to put it
/// on the axis of Graph. An event at boot time 0, or at the ends of wall time, had a time that
/// could not be (event/number_range.hpp) and says nothing about the clocks.
inline constexpr std::string_view kBootShifts =
    "boot AS (SELECT host_id, boot_id, coalesce("
    "  arg_min(_minus(wall_ns, end_boot_ns), end_boot_ns) FILTER (WHERE end_boot_ns > 0 "
    "    AND wall_ns BETWEEN -4611686018427387903 AND 4611686018427387902), "
    "  arg_min(_minus(wall_ns, end_boot_ns), end_boot_ns)) AS shift_ns "
    "FROM event GROUP BY host_id, boot_id)";

}  // namespace spoor::causality
