// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/result.hpp"
#include "base/store_layout.hpp"
#include "ingest/derivation_check.hpp"

namespace spoor::programs {

/// Derives the tables again beside the store, in a folder below $TMPDIR (else /var/tmp) that is
/// removed afterwards, Ctrl-C or not, and compares. Nothing: nothing was ingested yet.
/// Fails: kUnverified (naming segment and row), kUnavailable (interrupted), kIo (no room).
Result<std::optional<ingest::DerivationReport>> VerifySegments(const StoreLayout& layout);

}  // namespace spoor::programs
