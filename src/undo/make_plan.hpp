// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>

#include "base/result.hpp"
#include "store/store.hpp"
#include "undo/plan.hpp"

namespace spoor::undo {

struct PlanOptions {
  std::size_t looked_into_max = 5000;  ///< files whose bytes are put together
  /// Called with how many of those are done, and of how many; may be empty.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress = {};
};

/// What undoes the changes of `actors`, with what speaks against it. `store` has the query library
/// defined. The subject is left to the caller. Fails: kUnavailable (too much for one plan), and as
/// the store does.
Result<Plan> MakePlan(store::Store& store, std::span<const Actor> actors,
                      const PlanOptions& options = {});

/// Writes what the file of `change` held before (Held::Kind::kBytes) into a new file of `folder`,
/// named by its SHA-256. One that is there already stays.
Result<> WriteBefore(store::Store& store, const Change& change,
                     const std::filesystem::path& folder);

}  // namespace spoor::undo
