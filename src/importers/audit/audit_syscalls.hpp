// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace spoor::importers {

/// The name of a call that changes or moves something; of others the number as text.
/// `architecture`: AUDIT_ARCH_… of linux/audit.h.
std::string SyscallName(std::uint64_t architecture, std::uint64_t number);

}  // namespace spoor::importers
