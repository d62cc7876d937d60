// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/store_layout.hpp"

/// What lies in the folders of a store that hold derived data, told by name: what was made by
/// ingest or of what ingest made, and what somebody else put there.
namespace spoor::ingest {

struct DerivedFiles {
  std::vector<std::string> segments;   ///< relative to STORE/segments; finished or not
  std::vector<std::string> spills;     ///< relative to STORE/segments: of an ingest that was killed
  std::vector<std::string> indexes;    ///< relative to STORE/index; finished or not
  std::vector<std::string> strangers;  ///< relative to the store: nothing that we made
  std::uint64_t generation_max = 0;    ///< in the names of the segments
};

/// Looks through segments/ and index/, and follows no symbolic link. Fails: kIo; kCorrupt (one of
/// them is a symbolic link).
Result<DerivedFiles> ListDerivedFiles(const StoreLayout& layout);

}  // namespace spoor::ingest
