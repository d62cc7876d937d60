// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include "base/check.hpp"
#include "schema/loss_class.hpp"
#include "wire/kernel_event.h"

namespace spoor::wire {

static_assert(static_cast<std::size_t>(schema::LossClass::kProcess) == LOSS_PROCESS &&
              static_cast<std::size_t>(schema::LossClass::kMissedHook) + 1 == LOSS_CLASS_COUNT);

/// "io" of LOSS_IO: the name in JSON, SQL and the event text.
inline std::string_view LossClassName(std::size_t loss_class) {
  SPOOR_CHECK(loss_class < LOSS_CLASS_COUNT) << loss_class;
  return schema::kLossClasses[loss_class].name;
}

}  // namespace spoor::wire
