// SPDX-License-Identifier: Apache-2.0
// `spoor rebuild`: forgets everything derived and makes it again from the evidence.
#include <fmt/format.h>

#include <cstdio>

#include "evidence/log.hpp"
#include "evidence/named_key.hpp"
#include "programs/open_store.hpp"
#include "programs/subcommand.hpp"

namespace spoor::programs {
namespace {

/// Reads all evidence, so that nothing is removed that could not be made again.
Result<> VerifyEvidence(const StoreLayout& layout) {
  auto key = evidence::ReadPublicKey(layout);
  if (!key) {
    return Fail(ErrorCode::kNotFound, "{}: no store there (no public key)", layout.root.string());
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<evidence::LogReader> log,
                   evidence::LogReader::Open(layout.evidence(), *key));
  const auto progress = ProgressOnTerminal("verifying evidence");
  return log->ForEach(0, [&](std::uint64_t index, std::span<const std::byte>) -> Result<> {
    if (progress) progress(index, log->size());
    return {};
  });
}

Result<ExitCode> Rebuild(const std::string& folder) {
  const StoreLayout layout{folder};
  RETURN_IF_ERROR(VerifyEvidence(layout));
  RETURN_IF_ERROR(ingest::RemoveDerived(layout));
  ASSIGN_OR_RETURN(const ingest::CatchUpSummary summary,
                   ingest::CatchUp(layout, {.importers = MakeImporter},
                                   ProgressOnTerminal("ingesting evidence")));
  fmt::print(stderr, "made again from {} entries of evidence: {} events\n", summary.entry_count,
             summary.event_count);
  return ExitCode::kDone;
}

}  // namespace

void RegisterRebuild(CLI::App& application, Action& action) {
  CLI::App* const subcommand = application.add_subcommand(
      "rebuild", "remove everything derived and make it again from the evidence");
  const auto store = std::make_shared<std::string>();
  AddStoreOption(*subcommand, *store);
  subcommand->footer(
      "The evidence is verified first; when it does not verify nothing is removed (exit code 3).");
  subcommand->callback([&action, store] { action = [store] { return Rebuild(*store); }; });
}

}  // namespace spoor::programs
