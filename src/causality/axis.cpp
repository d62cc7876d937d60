// SPDX-License-Identifier: Apache-2.0
#include "causality/axis.hpp"

#include <fmt/format.h>

namespace spoor::causality {

std::string BootShifts(std::span<const HostSkew> skews) {
  std::string skew = "0";
  if (!skews.empty()) {
    skew = "CASE host_id";
    for (const HostSkew& one : skews) {
      skew += fmt::format(" WHEN {} THEN {}", one.host_id, one.skew_ns);
    }
    skew += " ELSE 0 END";
  }
  return fmt::format(
      "boot AS (SELECT host_id, boot_id, _plus(coalesce("
      "  arg_min(_minus(wall_ns, end_boot_ns), end_boot_ns) FILTER (WHERE end_boot_ns > 0 "
      "    AND wall_ns BETWEEN -4611686018427387903 AND 4611686018427387902), "
      "  arg_min(_minus(wall_ns, end_boot_ns), end_boot_ns)), {}) AS shift_ns "
      "FROM event GROUP BY host_id, boot_id)",
      skew);
}

}  // namespace spoor::causality
