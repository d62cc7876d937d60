// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/store_layout.hpp"
#include "ingest/derivation_check.hpp"

namespace spoor::analysis {

struct DerivedReport {
  ingest::DerivationReport tables;
  std::uint64_t index_file_count = 0;  ///< of STORE/index, as the tables give them
};

/// Derives the tables again beside the store, in a folder below $TMPDIR (else /var/tmp) that is
/// removed afterwards, and compares; then what the causal index has of them. `public_key`: text of
/// the log's verifier key. `progress`: called now and then; its failure ends the check. Nothing:
/// nothing was ingested yet. Fails: kUnverified (naming segment and row, or the file of the index),
/// kIo (no room), as `progress` does.
Result<std::optional<DerivedReport>> VerifySegments(
    const StoreLayout& layout, const std::string& public_key,
    const std::function<Result<>(std::uint64_t done, std::uint64_t to_do)>& progress);

}  // namespace spoor::analysis
