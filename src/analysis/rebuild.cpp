// SPDX-License-Identifier: Apache-2.0
#include "analysis/rebuild.hpp"

#include "evidence/log.hpp"
#include "evidence/named_key.hpp"

namespace spoor::analysis {
namespace {

/// Reads all evidence, so that nothing takes the place of tables that could not be made again.
Result<> VerifyEvidence(const StoreLayout& layout, const Progress& progress) {
  auto key = evidence::ReadPublicKey(layout);
  if (!key) {
    return Fail(ErrorCode::kNotFound, "{}: no store there (no public key)", layout.root.string());
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<evidence::LogReader> log,
                   evidence::LogReader::Open(layout.evidence(), *key));
  return log->ForEach(0, [&](std::uint64_t index, std::span<const std::byte>) -> Result<> {
    if (progress) progress(index, log->size());
    return {};
  });
}

}  // namespace

Result<ingest::RebuildSummary> Rebuild(const StoreLayout& layout, const RebuildProgress& progress) {
  RETURN_IF_ERROR(VerifyEvidence(layout, progress.verifying));
  return ingest::Rebuild(layout, {.importers = MakeImporter}, progress.ingesting);
}

}  // namespace spoor::analysis
