// SPDX-License-Identifier: Apache-2.0
#include "analysis/verify_segments.hpp"

#include "analysis/open_store.hpp"
#include "base/scratch_folder.hpp"
#include "causal_index/open_index.hpp"
#include "store/catalog.hpp"

namespace spoor::analysis {
namespace {

/// Readers ingest: how often the catalog may be another one afterwards, and the check begins anew.
constexpr int kAttempts = 4;

using DerivationProgress = std::function<Result<>(std::uint64_t, std::uint64_t)>;

Result<DerivedReport> Derive(const StoreLayout& layout, const std::string& public_key,
                             const DerivationProgress& progress) {
  ASSIGN_OR_RETURN(const ScratchFolder scratch,
                   ScratchFolder::Make(ScratchFolder::FolderOnDisk(), "verify"));
  DerivedReport report;
  ASSIGN_OR_RETURN(report.tables,
                   ingest::CheckDerivation(layout, public_key, {.importers = MakeImporter},
                                           scratch.path(), progress));
  ASSIGN_OR_RETURN(const std::unique_ptr<store::Store> store,
                   OpenIngestedStore(layout.root.string()));
  ASSIGN_OR_RETURN(report.index_file_count, causal_index::CheckIndex(*store));
  return report;
}

/// Whether somebody published another catalog since `generation`.
bool HasChanged(const StoreLayout& layout, std::uint64_t generation) {
  const Result<store::Catalog> now = store::LoadCatalog(layout);
  return !now || now->generation != generation;
}

}  // namespace

Result<std::optional<DerivedReport>> VerifySegments(const StoreLayout& layout,
                                                    const std::string& public_key,
                                                    const DerivationProgress& progress) {
  for (int attempt = 1;; ++attempt) {
    const Result<store::Catalog> catalog = store::LoadCatalog(layout);
    if (!catalog && catalog.error().code == ErrorCode::kNotFound) return std::nullopt;
    Result<DerivedReport> report = Derive(layout, public_key, progress);
    if (report) return *report;
    Error error = report.error();
    const bool wrong = error.code == ErrorCode::kCorrupt || error.code == ErrorCode::kUnverified;
    if (wrong && attempt < kAttempts && catalog && HasChanged(layout, catalog->generation)) {
      continue;
    }
    if (error.code == ErrorCode::kCorrupt) error.code = ErrorCode::kUnverified;
    return tl::unexpected<Error>(std::move(error));
  }
}

}  // namespace spoor::analysis
