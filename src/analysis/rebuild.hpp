// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "analysis/open_store.hpp"

namespace spoor::analysis {

struct RebuildProgress {
  Progress verifying{};
  Progress ingesting{};
};

/// Verifies all evidence, then makes everything derived again from it (ingest::Rebuild). Fails:
/// kNotFound (no store), kUnverified (nothing was changed), and as ingest::Rebuild.
Result<ingest::RebuildSummary> Rebuild(const StoreLayout& layout, const RebuildProgress& progress);

}  // namespace spoor::analysis
