// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "sensor/bpf/sensor_config.h"
#include "sensor/kernel_source.hpp"

namespace spoor::sensor {

/// The kernel half's settings for `options`, its scopes resolved to kernel ids. Fails:
/// kInvalidArgument (no or too many scopes, a folder that is no cgroup v2), kNotFound.
Result<sensor_config> MakeConfig(const KernelSourceOptions& options);

}  // namespace spoor::sensor
