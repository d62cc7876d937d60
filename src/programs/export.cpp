// SPDX-License-Identifier: Apache-2.0
// `spoor export`: entries of the evidence log with their proofs, for another store or for anybody
// who wants to check them.
#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "analysis/selection.hpp"
#include "base/time.hpp"
#include "evidence/log.hpp"
#include "evidence/named_key.hpp"
#include "programs/open_store.hpp"
#include "programs/print.hpp"
#include "programs/subcommand.hpp"
#include "proof/prove.hpp"

namespace spoor::programs {
namespace {

struct ExportCommand {
  std::string store;
  std::string out;
  std::vector<std::string> recordings;
  std::string entries;  // FIRST..LAST
  std::string from;
  std::string until;
  bool everything() const {
    return recordings.empty() && entries.empty() && from.empty() && until.empty();
  }
};

Result<analysis::Choice> ParseChoice(const ExportCommand& command) {
  analysis::Choice choice{.recordings = command.recordings};
  const std::int64_t now_wall_ns = WallNow();
  if (!command.from.empty()) {
    ASSIGN_OR_RETURN(choice.from_wall_ns, ParseWallTime(command.from, now_wall_ns));
  }
  if (!command.until.empty()) {
    ASSIGN_OR_RETURN(choice.until_wall_ns, ParseWallTime(command.until, now_wall_ns));
  }
  if (command.entries.empty()) return choice;
  const char* const end = command.entries.data() + command.entries.size();
  std::uint64_t last = 0;
  evidence::EntryRange entries;
  const auto first = std::from_chars(command.entries.data(), end, entries.begin);
  const bool dots = first.ec == std::errc() && std::string_view(first.ptr, end).starts_with("..");
  const auto second = dots ? std::from_chars(first.ptr + 2, end, last) : first;
  if (!dots || second.ec != std::errc() || second.ptr != end || last < entries.begin ||
      last == UINT64_MAX) {
    return Fail(ErrorCode::kInvalidArgument, "--entries {}: must be FIRST..LAST", command.entries);
  }
  entries.end = last + 1;
  choice.entries = entries;
  return choice;
}

Result<ExitCode> RunExport(const ExportCommand& command) {
  const StoreLayout layout{command.store};
  ASSIGN_OR_RETURN(analysis::Choice choice, ParseChoice(command));
  auto key = evidence::ReadPublicKey(layout);
  if (!key) {
    return Fail(ErrorCode::kNotFound, "{}: no store there (no public key)", layout.root.string());
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<evidence::LogReader> log,
                   evidence::LogReader::Open(layout.evidence(), *key));
  std::vector<evidence::EntryRange> ranges;
  bool lacks_removed = false;
  if (command.everything()) {
    if (log->size() != 0) ranges.push_back({log->removed_until(), log->size()});
  } else {
    ASSIGN_OR_RETURN(
        analysis::Selected selected,
        analysis::Select(*log, std::move(choice), ProgressOnTerminal("looking at evidence")));
    ranges = std::move(selected.ranges);
    lacks_removed = selected.lacks_removed;
  }
  if (log->removed_until() != 0 && (lacks_removed || command.everything())) {
    PrintError(
        "spoor export: entries 0 to {} were removed from the evidence by policy (spoor "
        "verify says when and by whom): nothing of them is in it\n",
        log->removed_until() - 1);
  }
  if (ranges.empty() && lacks_removed) {
    PrintError("spoor export: nothing was written: no entry of that is left\n");
    return ExitCode::kIncomplete;
  }
  if (ranges.empty()) {
    PrintError("spoor export: no entry of {} is of that\n", command.store);
    return ExitCode::kNone;
  }
  ASSIGN_OR_RETURN(
      const proof::ProveReport report,
      proof::Export(layout, ranges, command.out,
                    {.made_by = "spoor " SPOOR_VERSION, .made_wall_ns = WallNow(), .answer = {}}));
  PrintError("{}: {} of {} entries of the log, {} bytes\n", command.out, report.excerpt.entry_count,
             report.excerpt.checkpoint.size, report.size_bytes);
  return lacks_removed ? ExitCode::kIncomplete : ExitCode::kDone;
}

}  // namespace

void RegisterExport(CLI::App& application, Action& action) {
  CLI::App* const subcommand =
      application.add_subcommand("export", "write a part of the evidence, provable, into a file");
  const auto command = std::make_shared<ExportCommand>();
  AddStoreOption(*subcommand, command->store);
  subcommand->add_option("--out", command->out, "the file to write")->type_name("FILE")->required();
  subcommand->add_option("--recording", command->recordings, "only this one; may be repeated")
      ->type_name("ID")
      ->allow_extra_args(false);
  subcommand->add_option("--entries", command->entries, "only these entries of the log")
      ->type_name("FIRST..LAST");
  subcommand
      ->add_option("--from", command->from,
                   "only batches with records of this time or later, and the first of their "
                   "recordings")
      ->type_name("T");
  subcommand
      ->add_option("--until", command->until,
                   "only batches with records of this time or "
                   "earlier")
      ->type_name("T");
  subcommand->footer(
      "Without a choice: the whole log, or what a policy left of it. The entries are copied as "
      "they are, with what proves them\n"
      "part of the signed log. Works beside a running recorder.\n"
      "`spoor verify FILE` checks it, `spoor import --kind evidence FILE` adds it to a store.\n\n"
      "Exit codes: 0 written; 1 there is no such entry; 4 some of what was chosen was removed by\n"
      "policy (what is left is written).\n\n"
      "Examples:\n"
      "  spoor export --store hub --recording 3e2a7dc63ea297d42e235ce543938cde --out "
      "web1.evidence\n"
      "  spoor export --store hub --from -2h --until -1h --out hour.evidence");
  subcommand->callback([&action, command] { action = [command] { return RunExport(*command); }; });
}

}  // namespace spoor::programs
