// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "base/result.hpp"
#include "store/store.hpp"
#include "undo/plan.hpp"

/// What a file held before some calls on it, and after. Internal to this folder.
namespace spoor::undo {

struct BytesQuestion {
  std::int64_t object_id = 0;
  std::int64_t first_event_id = 0, first_wall_ns = 0;  ///< of the first call that changed it
  /// Of what was only appended: where that begins. Nothing: it was written otherwise, or not.
  std::optional<std::int64_t> appended_at_bytes = {};
  bool was_there = true;  ///< false: before the first call there was no such file
};
struct BytesAnswer {
  Held before, left;
};
/// `is_actor`: whose writes are asked about; what others wrote later is not in `left`. Fails as
/// contents::LoadActs does.
Result<BytesAnswer> BytesOf(store::Store& store, const BytesQuestion& question,
                            const std::function<bool(std::int64_t)>& is_actor);

}  // namespace spoor::undo
