// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "causal_index/flow.hpp"

namespace spoor::causal_index {

/// Common table expression `boot(host_id, boot_id, shift_ns)`: what to add to a boot time to get
/// the host's wall time, which is what people are told.
std::string BootShifts(std::span<const Boot> boots);

}  // namespace spoor::causal_index
