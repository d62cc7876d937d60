// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "evidence/checkpoint.hpp"
#include "evidence/log.hpp"
#include "evidence/tree.hpp"

/// Excerpts: chosen entries of a log with what leads from them to one signed checkpoint, as a
/// stream that can be checked with nothing but the public key. Bytes: docs/formats/proof-bundle.md.
namespace spoor::evidence {

/// Takes the next bytes of what is written; they live only during the call.
using ByteSink = std::function<Result<>(std::span<const std::byte>)>;
/// Fills the front of a buffer with the next bytes and returns how many; 0 at the end.
using ByteSource = std::function<Result<std::size_t>(std::span<std::byte>)>;

struct ExcerptReport {
  struct Checkpoint checkpoint;  ///< what all entries were proved against
  std::uint64_t range_count = 0;
  std::uint64_t entry_count = 0;
  std::uint64_t entry_bytes = 0;  ///< of the entries, without their length prefixes
  std::uint64_t proof_bytes = 0;  ///< of the hashes that prove them
};

/// `indices` (ascending, each once) as the fewest ranges.
std::vector<EntryRange> RangesOf(std::span<const std::uint64_t> indices);

/// Calls `visit(index, entry)` for every entry of `ranges` (ascending, disjoint) in order. Reads
/// only the bundles that hold them. Fails: kInvalidArgument (not in the log), kNotFound (removed by
/// policy), as LogReader::ForEach.
Result<> ForEachIn(LogReader& log, std::span<const EntryRange> ranges,
                   const LogReader::Visit& visit);

/// Writes the entries of `ranges` (ascending, each with a hole before it) with the checkpoint of
/// `log`, all its signature lines, and their proofs. Bounded memory. Fails: kInvalidArgument,
/// kNotFound, what `log` and `sink` fail with.
Result<ExcerptReport> WriteExcerpt(LogReader& log, std::span<const EntryRange> ranges,
                                   const ByteSink& sink);

/// What a reader of an excerpt may want to see. Both may be empty.
struct ExcerptVisitor {
  /// Before the entries of each range.
  std::function<Result<>(EntryRange range, std::span<const Hash> proof)> range;
  /// For each entry. It is not proved before ReadExcerpt has returned well.
  LogReader::Visit entry;
};

/// Reads an excerpt to its end, which must be the source's, and proves each entry. Bounded memory
/// whatever the bytes claim. Fails: kUnverified (names what is wrong, with the entry or range),
/// what `source` and the visitor fail with.
Result<ExcerptReport> ReadExcerpt(const ByteSource& source, const VerifierKey& key,
                                  const ExcerptVisitor& visitor);

}  // namespace spoor::evidence
