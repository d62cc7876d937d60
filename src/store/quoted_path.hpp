// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace spoor::store {

/// `path` as an SQL string that DuckDB takes for exactly this file or folder. DuckDB knows UTF-8
/// only and reads * ? [ as patterns: a folder with such a name, which must be there, is reached
/// through /proc/self/fd. The descriptor stays open, one for each such folder. Thread-safe.
std::string QuotedPath(const std::filesystem::path& path);

}  // namespace spoor::store
