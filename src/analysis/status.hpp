// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "base/result.hpp"
#include "base/store_layout.hpp"
#include "store/store.hpp"

namespace spoor::analysis {

/// What is in the store of `layout`, which `store` reads: one object, docs/formats/store.md's
/// words. Fails as the store does.
Result<nlohmann::ordered_json> StatusOf(const StoreLayout& layout, store::Store& store);

}  // namespace spoor::analysis
