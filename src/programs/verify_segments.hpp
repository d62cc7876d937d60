// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/store_layout.hpp"
#include "ingest/derivation_check.hpp"

namespace spoor::programs {

/// Derives the tables again beside the store, in a folder below $TMPDIR (else /var/tmp) that is
/// removed afterwards, Ctrl-C or not, and compares. `public_key`: text of the log's verifier key.
/// Nothing: nothing was ingested yet. Fails: kUnverified (naming segment and row), kUnavailable
/// (interrupted), kIo (no room).
Result<std::optional<ingest::DerivationReport>> VerifySegments(const StoreLayout& layout,
                                                               const std::string& public_key);

}  // namespace spoor::programs
