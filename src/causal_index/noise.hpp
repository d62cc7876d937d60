// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace spoor::causal_index {

/// The patterns of rule noise_objects (docs/pruning.md) as a SQL condition on the column `path`.
std::string_view NoiseCondition();

}  // namespace spoor::causal_index
