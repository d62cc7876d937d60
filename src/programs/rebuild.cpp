// SPDX-License-Identifier: Apache-2.0
// `spoor rebuild`: makes everything derived again from the evidence, beside what is there.

#include "analysis/rebuild.hpp"
#include "base/visible_text.hpp"
#include "programs/open_store.hpp"
#include "programs/print.hpp"
#include "programs/subcommand.hpp"

namespace spoor::programs {
namespace {

Result<ExitCode> Rebuild(const std::string& folder) {
  const StoreLayout layout{folder};
  ASSIGN_OR_RETURN(
      const ingest::RebuildSummary summary,
      analysis::Rebuild(layout, {.verifying = ProgressOnTerminal("verifying evidence"),
                                 .ingesting = ProgressOnTerminal("ingesting evidence")}));
  PrintError("made again from {} entries of evidence: {} events\n", summary.made.entry_count,
             summary.made.event_count);
  for (const std::string& name : summary.strangers) {
    PrintError("spoor rebuild: {}: nothing that Spoor made; it stays\n", VisibleText(name));
  }
  return ExitCode::kDone;
}

}  // namespace

void RegisterRebuild(CLI::App& application, Action& action) {
  CLI::App* const subcommand =
      application.add_subcommand("rebuild", "make everything derived again from the evidence");
  const auto store = std::make_shared<std::string>();
  AddStoreOption(*subcommand, *store);
  subcommand->footer(
      "The evidence is verified first; when it does not verify nothing is changed (exit code 3).\n"
      "Questions are answered from the old tables until the new ones are there; ended at any "
      "moment,\n"
      "the store has the one or the other. Needs room for both: the old segments go with the next\n"
      "ingest. Files in segments/ and index/ that Spoor did not make stay, and are named.");
  subcommand->callback([&action, store] { action = [store] { return Rebuild(*store); }; });
}

}  // namespace spoor::programs
