// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/result.hpp"
#include "evidence/checkpoint.hpp"

namespace spoor::evidence {

struct Recovered {
  /// Hashes of the incomplete tiles by level; they lead to the checkpoint's root.
  std::vector<std::vector<Hash>> edges;
  std::uint64_t set_aside_bytes = 0;
};

/// Brings a log that nobody writes back to exactly what `checkpoint` covers: bytes behind it go to
/// a new folder below `set_aside_folder` ("TIME-behind-entry-N/…", same names), tiles that a killed
/// writer could not give their final name get it. Fails: kUnverified, with nothing changed in the
/// tile concerned, when the folder is in a state that no killed writer leaves (something missing,
/// damaged, or a checkpoint older than the tiles).
Result<Recovered> RecoverLog(const std::filesystem::path& folder,
                             const std::filesystem::path& set_aside_folder,
                             const Checkpoint& checkpoint);

}  // namespace spoor::evidence
