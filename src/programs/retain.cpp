// SPDX-License-Identifier: Apache-2.0
// spoor retain: removes the oldest evidence of a store that nobody writes, and leaves its proof.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "collector/retention.hpp"
#include "evidence/named_key.hpp"
#include "programs/open_store.hpp"
#include "programs/print.hpp"
#include "programs/retention_options.hpp"
#include "programs/subcommand.hpp"

namespace spoor::programs {
namespace {

struct RetainCommand {
  std::string store;
  RetentionOptions retention;
  bool dry_run = false;
  bool json = false;
};

void Print(const collector::RetentionPlan& plan, const RetainCommand& command,
           std::uint64_t removed_bytes) {
  const bool nothing = plan.remove_until <= plan.removed_until && removed_bytes == 0;
  if (command.json) {
    const nlohmann::json line{{"dry_run", command.dry_run},
                              {"removed_before_entry", plan.removed_until},
                              {"remove_until_entry", plan.remove_until},
                              {"bundle_bytes", plan.bundle_bytes},
                              {"kept_bytes", plan.kept_bytes},
                              {"removed_bytes", removed_bytes}};
    PrintJson(line);
  } else if (nothing) {
    PrintOut("nothing to remove: {} bytes are kept\n", plan.kept_bytes);
  } else {
    PrintOut("{} entries {} to {}, {} bytes; {} bytes are kept\n",
             command.dry_run ? "would remove" : "removed", plan.removed_until,
             plan.remove_until - 1, command.dry_run ? plan.bundle_bytes : removed_bytes,
             plan.kept_bytes);
  }
}

Result<ExitCode> Retain(const RetainCommand& command) {
  RetentionOptions retention = command.retention;
  retention.remove_everything |= command.dry_run;  // nothing goes
  ASSIGN_OR_RETURN(const collector::RetentionPolicy policy, retention.Policy());
  const StoreLayout layout{command.store};
  const auto key = evidence::ReadPublicKey(layout);
  if (!key) {
    return Fail(ErrorCode::kNotFound, "{}: no store there (no public key)", layout.root.string());
  }
  // Before the log is read: nobody appends while we decide.
  std::unique_ptr<evidence::LogWriter> writer;
  if (!command.dry_run) {
    auto opened =
        evidence::LogWriter::Open({.folder = layout.evidence(), .key_file = layout.private_key()});
    if (!opened) return tl::unexpected<Error>(opened.error());
    writer = *std::move(opened);
  }
  collector::RetentionPlan plan;
  {
    ASSIGN_OR_RETURN(const std::unique_ptr<evidence::LogReader> log,
                     evidence::LogReader::Open(layout.evidence(), *key));
    ASSIGN_OR_RETURN(plan, collector::PlanRetention(*log, policy, WhoRemoves("spoor retain"),
                                                    ProgressOnTerminal("reading evidence")));
  }
  std::uint64_t removed_bytes = 0;
  if (writer != nullptr) {
    ASSIGN_OR_RETURN(removed_bytes, collector::CarryOutRetention(plan, *writer, layout.evidence()));
    RETURN_IF_ERROR(writer->Close());
    writer.reset();
  }
  Print(plan, command, removed_bytes);
  if (command.dry_run) return ExitCode::kDone;
  // The rows that came from what is gone go with it.
  if (const Result<> ingested = IngestNewEvidence(layout); !ingested) {
    return Fail(ingested.error().code,
                "the tables still have the rows of what was removed, until the next question: {}",
                ingested.error().message);
  }
  return ExitCode::kDone;
}

}  // namespace

void RegisterRetain(CLI::App& application, Action& action) {
  CLI::App& subcommand = *application.add_subcommand(
      "retain", "Remove the oldest evidence by policy, and leave the proof of it");
  const auto command = std::make_shared<RetainCommand>();
  AddStoreOption(subcommand, command->store);
  command->retention.AddTo(subcommand);
  subcommand.add_flag("-n,--dry-run", command->dry_run, "say what would go, change nothing");
  subcommand.add_flag("--json", command->json, "one JSON object on one line");
  subcommand.footer(
      "For a store that nobody writes at that moment. Entries go in whole bundles of 256, oldest\n"
      "first, by the clock of this store. All hashes stay: the tree, every checkpoint and every\n"
      "proof given before stay good. Who removed what, when and by which policy is said in the "
      "log\n"
      "itself, under a checkpoint, before anything is removed, and spoor verify says it. Rows "
      "that\n"
      "came from removed entries go too. Ended at any moment, the store verifies; the next run\n"
      "completes it. What is gone cannot be had back.\n\n"
      "Examples:\n"
      "  spoor retain --store /var/lib/spoor --keep 90d --dry-run\n"
      "  spoor retain --store /var/lib/spoor --keep 90d --keep-bytes 500G\n");
  subcommand.callback([command, &action] { action = [command] { return Retain(*command); }; });
}

}  // namespace spoor::programs
