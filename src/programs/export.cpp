// SPDX-License-Identifier: Apache-2.0
// `spoor export`: entries of the evidence log with their proofs, for another store or for anybody
// who wants to check them.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <map>
#include <optional>
#include <set>

#include "base/time.hpp"
#include "evidence/log.hpp"
#include "evidence/named_key.hpp"
#include "programs/open_store.hpp"
#include "programs/print.hpp"
#include "programs/subcommand.hpp"
#include "proof/prove.hpp"
#include "wire/batch_sealer.hpp"

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

/// What the command line chooses.
struct Choice {
  std::vector<std::string> recordings;
  std::optional<evidence::EntryRange> entries{};
  std::int64_t from_wall_ns = INT64_MIN;
  std::int64_t until_wall_ns = INT64_MAX;
};

Result<Choice> ParseChoice(const ExportCommand& command) {
  Choice choice{.recordings = command.recordings};
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

/// Goes through a log and keeps what was chosen.
class Selection {
 public:
  /// `carried`: over from the removed beginning of `log`.
  Selection(Choice choice, const evidence::LogReader& log, const wire::Carried& carried)
      : choice_(std::move(choice)), removed_until_(log.removed_until()) {
    if (removed_until_ == 0) return;
    statement_ = {log.retention_entry() - log.retention()->carried_count,
                  log.retention_entry() + 1};
    for (const wire::CarriedRecording& recording : carried.recordings) {
      cut_.insert(wire::FormatRecordingId(recording.recording_id));
    }
  }

  Result<> Add(std::uint64_t index, std::span<const std::byte> entry) {
    ASSIGN_OR_RETURN(const wire::Batch batch, wire::DecodeBatch(entry));
    const std::string id = wire::FormatRecordingId(batch.recording_id);
    const bool wanted = choice_.recordings.empty() ||
                        std::find(choice_.recordings.begin(), choice_.recordings.end(), id) !=
                            choice_.recordings.end();
    if (!wanted) return {};
    if (!first_wall_ns_) first_wall_ns_ = batch.wall_ns;
    Seen& seen = seen_.try_emplace(id, Seen{index, batch.wall_ns}).first->second;
    // A batch holds what happened since the one before it was sealed.
    const bool in_time =
        batch.wall_ns >= choice_.from_wall_ns && seen.last_wall_ns <= choice_.until_wall_ns;
    seen.last_wall_ns = batch.wall_ns;
    if (!in_time) return {};
    if (choice_.entries && (index < choice_.entries->begin || index >= choice_.entries->end)) {
      return {};
    }
    // What a recording is of stands in its first batch, without which the others say little. When
    // that was removed, it stands in what the log carried over.
    if (!choice_.entries || choice_.entries->begin == 0) indices_.push_back(seen.first_entry);
    if (!choice_.entries && cut_.contains(id)) has_cut_ = true;
    indices_.push_back(index);
    return {};
  }

  /// Whether entries that a policy removed may have been of the choice, too.
  bool LacksRemoved() const {
    if (removed_until_ == 0) return false;
    if (choice_.entries && choice_.entries->begin >= removed_until_) return false;
    if (first_wall_ns_ && choice_.from_wall_ns > *first_wall_ns_) return false;
    return choice_.recordings.empty() ||
           std::ranges::any_of(choice_.recordings, [this](const std::string& recording) {
             return cut_.contains(recording) || !seen_.contains(recording);
           });
  }

  Result<std::vector<evidence::EntryRange>> Ranges() {
    for (const std::string& recording : choice_.recordings) {
      // What was removed may have been all of it.
      if (seen_.contains(recording) || removed_until_ != 0) continue;
      return Fail(ErrorCode::kInvalidArgument, "no recording {} in the log (spoor status)",
                  recording);
    }
    for (std::uint64_t i = statement_.begin; has_cut_ && i < statement_.end; ++i) {
      indices_.push_back(i);
    }
    std::sort(indices_.begin(), indices_.end());
    indices_.erase(std::unique(indices_.begin(), indices_.end()), indices_.end());
    return evidence::RangesOf(indices_);
  }

 private:
  struct Seen {
    std::uint64_t first_entry = 0;
    std::int64_t last_wall_ns = 0;
  };
  const Choice choice_;
  const std::uint64_t removed_until_;
  evidence::EntryRange statement_{};  ///< what says what was removed, and what it carries over
  std::set<std::string> cut_;         ///< recordings that began in the removed entries
  bool has_cut_ = false;              ///< one of them is chosen
  std::optional<std::int64_t> first_wall_ns_;  ///< of the first entry that was looked at
  std::map<std::string, Seen> seen_;
  std::vector<std::uint64_t> indices_;
};

Result<ExitCode> RunExport(const ExportCommand& command) {
  const StoreLayout layout{command.store};
  ASSIGN_OR_RETURN(Choice choice, ParseChoice(command));
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
    ASSIGN_OR_RETURN(const wire::Carried carried, log->ReadCarried());
    Selection selection(std::move(choice), *log, carried);
    const auto progress = ProgressOnTerminal("looking at evidence");
    RETURN_IF_ERROR(
        log->ForEach(0, [&](std::uint64_t index, std::span<const std::byte> entry) -> Result<> {
          if (progress) progress(index, log->size());
          return selection.Add(index, entry);
        }));
    ASSIGN_OR_RETURN(ranges, selection.Ranges());
    lacks_removed = selection.LacksRemoved();
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
