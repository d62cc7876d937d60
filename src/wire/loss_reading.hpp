// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "wire/batch.hpp"
#include "wire/kernel_event.h"

namespace spoor::wire {

/// Hands over every reading of the loss counters that a batch of kRecords holds, in order.
void ForEachLossReading(const Batch& batch, const std::function<void(const loss_record&)>& take);

}  // namespace spoor::wire
