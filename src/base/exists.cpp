// SPDX-License-Identifier: Apache-2.0
#include "base/exists.hpp"

#include <system_error>

namespace spoor {

Result<bool> Exists(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (!std::filesystem::status_known(status)) {
    return FailErrno(error.value(), "{}: cannot stat", path.string());
  }
  return std::filesystem::exists(status);
}

}  // namespace spoor
