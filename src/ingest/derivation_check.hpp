// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.hpp"
#include "base/store_layout.hpp"
#include "ingest/catch_up.hpp"

namespace spoor::ingest {

struct DerivationReport {
  std::uint64_t segment_count = 0;
  std::uint64_t row_count = 0;  ///< of these segments
  /// … of which so many have every byte that this build would write; the others have the same rows
  /// in files that another version of DuckDB wrote.
  std::uint64_t same_bytes_count = 0;
  std::uint64_t provisional_count = 0;  ///< recordings that still go on, as far as they were read
  /// Recordings whose evidence was removed by policy since: not checked; whoever reads the store
  /// next drops their rows.
  std::uint64_t removed_count = 0;
  std::uint64_t next_entry = 0;  ///< entries that the tables show
};

/// Whether the live segments are what the evidence gives: ingests it again as far as the catalog
/// says that it was ingested, into `scratch` (an empty folder, on a disk: it holds at most one
/// segment set of each open recording), and compares segment by segment. The catalog is believed in
/// nothing: a recording or segment that it leaves out, adds or cuts short is named as well. Takes
/// as long as `spoor rebuild`.
/// Fails: kNotFound (nothing was ingested), kUnverified (naming the segment and the first row that
/// differs), kCorrupt (a segment is not the catalog's), kIo, or what `progress` does not want.
/// `progress`: called for every entry with entries done and to do; its error ends the check.
using DerivationProgress = std::function<Result<>(std::uint64_t, std::uint64_t)>;
/// `public_key`: text of the verifier key of the evidence.
Result<DerivationReport> CheckDerivation(const StoreLayout& layout, const std::string& public_key,
                                         const CatchUpOptions& options,
                                         const std::filesystem::path& scratch,
                                         const DerivationProgress& progress);

}  // namespace spoor::ingest
