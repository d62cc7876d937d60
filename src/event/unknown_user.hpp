// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace spoor::event {

/// A user or group that the source does not tell, as the kernel has it for none.
inline constexpr std::uint32_t kUnknownUser = 0xffffffff;

}  // namespace spoor::event
