// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/store_layout.hpp"
#include "evidence/excerpt.hpp"
#include "ingest/catch_up.hpp"
#include "proof/answer.hpp"
#include "proof/manifest.hpp"
#include "queries/library.hpp"
#include "store/catalog.hpp"
#include "store/store.hpp"

namespace spoor::proof {

struct ProveOptions {
  StoreLayout layout;
  std::string query;  ///< name in the library; empty: `sql`
  std::vector<queries::NamedText> arguments;
  std::string sql;
  Scope scope = Scope::kLog;
  std::vector<std::string> recordings;  ///< of Scope::kRecordings: hex ids
  std::uint64_t evidence_bytes_max = 0;
  std::filesystem::path out;
  std::string made_by;
  std::int64_t now_wall_ns = 0;
  ingest::CatchUpOptions ingest;
  StoreWatch watch{};
};

struct ProveReport {
  /// Not empty: nothing was written, for a policy removed evidence that it takes; says which.
  std::string not_there{};
  std::uint64_t row_count = 0;
  std::uint64_t gap_count = 0;
  std::uint64_t size_bytes = 0;  ///< of the bundle
  evidence::ExcerptReport excerpt{};
};

/// Answers the question from `store` (the one in options.layout as `catalog` describes it, with
/// `library` defined) and writes a proof bundle. Unless the scope is kTouched the answer is made a
/// second time from nothing but the entries that go into the bundle, and must be the same, so a
/// bundle that is there can be re-derived. Fails: kInvalidArgument (the question; the rows need
/// more recordings than were named; too large; options.out is there), kUnverified (evidence; or the
/// store says something else than its evidence), kIo.
Result<ProveReport> Prove(const ProveOptions& options, const queries::Library& library,
                          store::Store& store, const store::Catalog& catalog);

/// Writes a bundle of entries only: `ranges` of the log in `layout`. Fails as Prove; kNotFound
/// (removed by policy).
Result<ProveReport> Export(const StoreLayout& layout,
                           const std::vector<evidence::EntryRange>& ranges,
                           const std::filesystem::path& out, const Manifest& manifest);

}  // namespace spoor::proof
