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

/// Derives the tables again beside the store, in a folder below $TMPDIR (else /var/tmp) that is
/// removed afterwards, and compares. `public_key`: text of the log's verifier key. `progress`:
/// called now and then; its failure ends the check. Nothing: nothing was ingested yet. Fails:
/// kUnverified (naming segment and row), kIo (no room), as `progress` does.
Result<std::optional<ingest::DerivationReport>> VerifySegments(
    const StoreLayout& layout, const std::string& public_key,
    const std::function<Result<>(std::uint64_t done, std::uint64_t to_do)>& progress);

}  // namespace spoor::analysis
