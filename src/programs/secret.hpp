// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.hpp"

namespace spoor::programs {

/// A secret of one line, without blanks at its ends: from `file`; or, where that is empty or "-",
/// from standard input, with a prompt for `what` and without echo where that is a terminal. Fails:
/// kNotFound, kIo, kCorrupt (too long), kInvalidArgument (nothing there).
Result<std::string> ReadSecret(const std::string& file, const std::string& what);

}  // namespace spoor::programs
