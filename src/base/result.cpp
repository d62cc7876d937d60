// SPDX-License-Identifier: Apache-2.0
#include "base/result.hpp"

#include <system_error>

namespace spoor {

std::string ErrnoText(int errno_number) {
  return std::error_code(errno_number, std::generic_category()).message();
}

}  // namespace spoor
