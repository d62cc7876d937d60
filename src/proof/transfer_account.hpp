// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "evidence/hash.hpp"
#include "evidence/tree.hpp"

/// What an import of evidence says of itself in the log that it appended to: enough to prove from
/// that log alone, at any time, which entries of which other log they were. Kept in batches of kind
/// kTransferred. Bytes: docs/formats/proof-bundle.md.
namespace spoor::proof {

/// Entries that stood side by side in the other log.
struct TransferRun {
  std::uint64_t origin_first = 0;
  std::uint64_t here_first = 0;  ///< they stand side by side here from this entry on …
  std::uint64_t count = 0;
  std::vector<evidence::Hash> leaves;  ///< … or were not brought, and these are their leaf hashes
};

struct TransferRange {
  evidence::EntryRange range;         ///< of the other log
  std::vector<evidence::Hash> proof;  ///< evidence::ProveRange
  std::vector<TransferRun> runs;      ///< all of the range, in order
};

struct TransferAccount {
  std::string key;         ///< verifier key of the other log that the import was checked with
  std::string checkpoint;  ///< of the other log, a signed note
  std::int64_t imported_wall_ns = 0;
  std::vector<TransferRange> ranges;
};

/// One JSON object a line.
std::string TransferText(const TransferAccount& account);
/// Fails: kCorrupt (naming the line).
Result<TransferAccount> ParseTransfer(std::string_view text);

}  // namespace spoor::proof
