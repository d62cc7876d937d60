// SPDX-License-Identifier: Apache-2.0
#include "base/exit_code.hpp"

namespace spoor {

ExitCode ExitCodeOf(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
      return ExitCode::kUsage;
    case ErrorCode::kUnverified:
      return ExitCode::kUnverified;
    case ErrorCode::kNotFound:
    case ErrorCode::kCorrupt:
    case ErrorCode::kIo:
    case ErrorCode::kUnavailable:
    case ErrorCode::kUnsupported:
      return ExitCode::kCannotRun;
  }
  return ExitCode::kCannotRun;
}

}  // namespace spoor
