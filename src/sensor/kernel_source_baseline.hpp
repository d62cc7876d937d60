// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "base/result.hpp"
#include "sensor/kernel_source_programs.hpp"

namespace spoor::sensor {

/// Appends chunks (cpu CHUNK_CPU_BASELINE) with RECORD_PROCESS and baseline RECORD_OPEN of what the
/// scopes hold now. Fails: kIo, kUnavailable when this kernel refused the iterators.
Result<> ReadBaseline(const LoadedPrograms& programs, std::vector<std::byte>& chunks);

}  // namespace spoor::sensor
