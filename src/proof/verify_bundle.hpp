// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "evidence/excerpt.hpp"
#include "ingest/catch_up.hpp"
#include "proof/answer.hpp"
#include "proof/archive.hpp"
#include "proof/manifest.hpp"
#include "queries/library.hpp"
#include "wire/batch_chain.hpp"
#include "wire/removed_beginning.hpp"

namespace spoor::proof {

struct VerifyBundleOptions {
  std::filesystem::path file;
  /// Text of the verifier key; empty: the one in the bundle, which proves only that the bundle is
  /// of one piece.
  std::string public_key;
  std::string program;                         ///< "spoor 0.1.0": who verifies
  const queries::Library* built_in = nullptr;  ///< the queries of this program
  ingest::CatchUpOptions ingest;
  StoreWatch watch{};
  std::uint64_t memory_bytes_max = 0;  ///< of its question (store::OpenStoreOptions)
};

/// What was proved.
struct BundleReport {
  Manifest manifest;
  evidence::VerifierKey key;
  evidence::ExcerptReport excerpt;
  /// What the entries are of. Not followed for Scope::kTouched, which brings single batches.
  wire::BatchChain recordings{wire::BatchChain::Of::kExcerpt};
  /// What a policy had removed from the beginning of the log, when the entries begin behind that.
  std::optional<wire::RemovedBeginning> removed{};
  std::string question;
  std::uint64_t row_count = 0;
  std::vector<std::string> gaps;  ///< JSON objects
  /// The rows and gaps were made again from the entries, by the queries in the bundle, and are the
  /// same.
  bool derived = false;
  /// Queries whose text is not, or not so, in this program: to be read by whoever relies on them.
  std::vector<std::string> foreign_queries;

  /// Every entry of the log up to the checkpoint is there but for those that a policy had removed.
  bool whole_log() const {
    return removed_until() + excerpt.entry_count == excerpt.checkpoint.size;
  }
  /// Entries below it were removed from the log by policy; 0: none.
  std::uint64_t removed_until() const {
    return removed ? removed->retention.removed_until_entry : 0;
  }
  std::uint64_t missing_batch_count() const;
  std::uint64_t unended_count() const;  ///< recordings without an end
  /// An answer of which something may be missing, or that was not made again.
  bool incomplete() const;
};

/// The members of a bundle of the one kind or the other, without those in queries/.
struct BundleHead {
  Manifest manifest;
  evidence::VerifierKey key;
};
/// Manifest and key of a bundle, and that it has the members it must have. `public_key` as in
/// VerifyBundleOptions. Fails: kUnverified, kInvalidArgument (no verifier key given), kUnsupported.
Result<BundleHead> ReadHead(const ArchiveReader& archive, const std::string& public_key);

/// Verifies a bundle with nothing but the key: every byte against SHA256SUMS, the checkpoint's
/// signature, each entry's proof, the order of batches, and, when the bundle brings what it takes,
/// that the question asked of these entries gives these rows and gaps. Fails: kUnverified (names
/// the first thing that is wrong), kNotFound, kInvalidArgument (no verifier key), kUnsupported,
/// kIo.
Result<BundleReport> VerifyBundle(const VerifyBundleOptions& options);

}  // namespace spoor::proof
