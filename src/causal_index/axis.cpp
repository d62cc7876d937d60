// SPDX-License-Identifier: Apache-2.0
#include "causal_index/axis.hpp"

#include <fmt/format.h>

#include "store/store.hpp"

namespace spoor::causal_index {

std::string BootShifts(std::span<const Boot> boots) {
  std::string rows;
  for (const Boot& boot : boots) {
    rows += fmt::format("{}({}::BIGINT, {}, {}::BIGINT)", rows.empty() ? "" : ", ", boot.host_id,
                        store::Quoted(boot.boot_id), boot.shift_ns);
  }
  if (rows.empty()) {
    return "boot AS (SELECT 0::BIGINT AS host_id, '' AS boot_id, 0::BIGINT AS shift_ns "
           "WHERE false)";
  }
  return fmt::format("boot(host_id, boot_id, shift_ns) AS (VALUES {})", rows);
}

}  // namespace spoor::causal_index
