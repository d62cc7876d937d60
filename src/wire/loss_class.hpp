// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "base/check.hpp"
#include "wire/kernel_event.h"

namespace spoor::wire {

/// "io" of LOSS_IO: the name in JSON, SQL and the event text.
inline std::string_view LossClassName(std::size_t loss_class) {
  constexpr std::array<std::string_view, LOSS_CLASS_COUNT> kNames{
      "process", "namespace", "descriptor", "network", "io", "payload", "missed_hook"};
  SPOOR_CHECK(loss_class < kNames.size()) << loss_class;
  return kNames[loss_class];
}

}  // namespace spoor::wire
