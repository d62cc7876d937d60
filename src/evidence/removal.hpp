// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "base/result.hpp"
#include "evidence/tile_tree.hpp"
#include "wire/retention.hpp"

/// Removed beginnings of logs. The one thing that this folder reads inside entries: what the log
/// says about itself.
namespace spoor::evidence {

struct FoundRetention {
  wire::Retention retention;
  std::uint64_t entry = 0;  ///< that says it
};

/// The newest entry of kind kRetention, looked for from the end of the log of `size` entries
/// backwards, checked against the leaf hashes and the root of what it removed. Nothing: there is
/// none. Fails: kUnverified, kCorrupt, kIo.
Result<std::optional<FoundRetention>> FindRetention(const std::filesystem::path& folder,
                                                    std::uint64_t size, TileTree& tree);

/// Whether the first bundle of a log of `size` entries is gone.
bool LacksBeginning(const std::filesystem::path& folder, std::uint64_t size);

/// Root of the tree over the first `size` entries (at least 1) of a log.
Result<Hash> RootOfFirst(std::uint64_t size, const NodeReader& node);

/// Removes the entry bundles of the first `until_entry` entries (a multiple of 256) that are still
/// there, the very first one before all others and durably: it is what tells readers to look for
/// the retention entry. Safe to be ended at any moment and called again. Returns the bytes removed.
/// Fails: kIo.
Result<std::uint64_t> RemoveBundles(const std::filesystem::path& folder, std::uint64_t until_entry);

}  // namespace spoor::evidence
