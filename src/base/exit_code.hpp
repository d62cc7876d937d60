// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

namespace spoor {

/// Exit codes of every subcommand: part of the command line contract (README).
enum class ExitCode : int {
  kDone = 0,
  kNone = 1,        ///< it ran, and the answer is "none"
  kUsage = 2,       ///< the command line is wrong
  kUnverified = 3,  ///< evidence does not verify
  kIncomplete = 4,  ///< evidence incomplete: a gap overlaps the answer
  kCannotRun = 5,   ///< could not run
};

/// The exit code that an error ends a subcommand with.
ExitCode ExitCodeOf(const Error& error);

}  // namespace spoor
