// SPDX-License-Identifier: Apache-2.0
// spoor retain: removes the oldest evidence of a store that nobody writes, and leaves its proof.
#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/time.hpp"
#include "collector/retention.hpp"
#include "programs/open_store.hpp"
#include "programs/subcommand.hpp"

namespace spoor::programs {
namespace {

constexpr std::uint64_t kKeyBytesMax = 4096;

struct RetainCommand {
  std::string store;
  std::string keep;
  std::string keep_bytes;
  bool dry_run = false;
  bool json = false;
};

/// "50G": a number with K, M, G or T (powers of 1024) or nothing behind it.
Result<std::uint64_t> ParseBytes(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  constexpr std::string_view kUnits = "KMGT";
  const std::size_t power = unit.size() == 1 ? kUnits.find(unit[0]) : kUnits.npos;
  const auto shift = static_cast<unsigned>(unit.empty() ? 0 : 10 * (power + 1));
  if (status != std::errc{} || (!unit.empty() && power == kUnits.npos) ||
      number > (UINT64_MAX >> shift)) {
    return Fail(ErrorCode::kInvalidArgument,
                "--keep-bytes {}: must be a number, with K, M, G or T behind it or nothing", text);
  }
  return number << shift;
}

Result<collector::RetentionPolicy> PolicyOf(const RetainCommand& command) {
  collector::RetentionPolicy policy;
  if (!command.keep.empty()) {
    ASSIGN_OR_RETURN(policy.keep_ns, ParseDuration(command.keep));
    policy.text = "keep " + command.keep;
  }
  if (!command.keep_bytes.empty()) {
    ASSIGN_OR_RETURN(policy.keep_bytes, ParseBytes(command.keep_bytes));
    policy.text +=
        fmt::format("{}keep at most {} bytes", policy.text.empty() ? "" : ", ", *policy.keep_bytes);
  }
  if (policy.text.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "say what to keep: --keep 30d, --keep-bytes 50G");
  }
  return policy;
}

std::string WhoAsks() {
  const uid_t uid = ::getuid();
  const passwd* const user = ::getpwuid(uid);
  return fmt::format("spoor retain as {} (uid {})",
                     user == nullptr ? "nobody known" : user->pw_name, uid);
}

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
    fmt::print("{}\n", line.dump());
  } else if (nothing) {
    fmt::print("nothing to remove: {} bytes are kept\n", plan.kept_bytes);
  } else {
    fmt::print("{} entries {} to {}, {} bytes; {} bytes are kept\n",
               command.dry_run ? "would remove" : "removed", plan.removed_until,
               plan.remove_until - 1, command.dry_run ? plan.bundle_bytes : removed_bytes,
               plan.kept_bytes);
  }
}

Result<ExitCode> Retain(const RetainCommand& command) {
  ASSIGN_OR_RETURN(const collector::RetentionPolicy policy, PolicyOf(command));
  const StoreLayout layout{command.store};
  const auto key = ReadTextFile(layout.public_key(), kKeyBytesMax);
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
    ASSIGN_OR_RETURN(plan, collector::PlanRetention(*log, policy, WhoAsks(),
                                                    ProgressOnTerminal("reading evidence")));
  }
  std::uint64_t removed_bytes = 0;
  if (writer != nullptr) {
    ASSIGN_OR_RETURN(removed_bytes, collector::CarryOutRetention(plan, *writer, layout.evidence()));
    RETURN_IF_ERROR(writer->Close());
    writer.reset();
    // The rows that came from what is gone go with it.
    RETURN_IF_ERROR(IngestNewEvidence(layout));
  }
  Print(plan, command, removed_bytes);
  return ExitCode::kDone;
}

}  // namespace

void RegisterRetain(CLI::App& application, Action& action) {
  CLI::App& subcommand = *application.add_subcommand(
      "retain", "Remove the oldest evidence by policy, and leave the proof of it");
  const auto command = std::make_shared<RetainCommand>();
  AddStoreOption(subcommand, command->store);
  subcommand.add_option("--keep", command->keep, "what came longer ago goes: 30d, 12h")
      ->type_name("DURATION");
  subcommand
      .add_option("--keep-bytes", command->keep_bytes,
                  "the oldest goes until the entries take at most that much: 50G")
      ->type_name("BYTES");
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
