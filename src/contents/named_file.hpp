// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "store/store.hpp"

namespace spoor::contents {

/// A file, and since and until when it had a name.
struct NamedFile {
  std::int64_t object_id = 0;
  std::string host, type;
  std::string path;                                ///< the name; of an object_id the last known
  std::optional<std::int64_t> from_wall_ns = {};   ///< first seen under it
  std::optional<std::int64_t> until_wall_ns = {};  ///< nothing: still
  bool HadNameAt(std::int64_t wall_ns) const {
    return from_wall_ns.value_or(INT64_MIN) <= wall_ns &&
           wall_ns < until_wall_ns.value_or(INT64_MAX);
  }
};

/// All that ever had the absolute path `what`, by when they had it; or `what` is an object_id.
/// `host`: of this host only, if not empty. Empty: none.
Result<std::vector<NamedFile>> FilesNamed(store::Store& store, std::string_view what,
                                          std::string_view host);

}  // namespace spoor::contents
