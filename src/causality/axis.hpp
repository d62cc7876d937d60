// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace spoor::causality {

/// Common table expression `boot(host_id, boot_id, shift_ns)`: what to add to a boot time to put it
/// on the axis of Graph.
inline constexpr std::string_view kBootShifts =
    "boot AS (SELECT host_id, boot_id, arg_min(wall_ns - end_boot_ns, end_boot_ns) AS shift_ns "
    "FROM event GROUP BY host_id, boot_id)";

}  // namespace spoor::causality
