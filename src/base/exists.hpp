// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "base/result.hpp"

namespace spoor {

/// Whether there is something under `path`, over links. Fails: kIo where that cannot be told (a
/// folder above it that may not be searched).
Result<bool> Exists(const std::filesystem::path& path);

}  // namespace spoor
