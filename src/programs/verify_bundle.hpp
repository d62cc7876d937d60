// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "base/exit_code.hpp"
#include "base/result.hpp"
#include "programs/question_limits.hpp"

namespace spoor::programs {

struct VerifyBundleCommand {
  std::filesystem::path file;
  std::string public_key;  ///< text; empty: the one in the bundle
  bool json = false;
  bool quiet = false;
  QuestionLimits limits{};
};

/// `spoor verify FILE`: verifies a bundle and states what that proves. A failure that is the
/// bundle's own is printed as JSON, too, where that is asked for.
Result<ExitCode> VerifyBundleFile(const VerifyBundleCommand& command);

}  // namespace spoor::programs
