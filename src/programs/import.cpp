// SPDX-License-Identifier: Apache-2.0
// `spoor import`: foreign files become evidence as they are (a recording of their bytes), so that
// the tables can be made again from them at any time.

#include "analysis/follow_file.hpp"
#include "analysis/import_files.hpp"
#include "base/file.hpp"
#include "base/time.hpp"
#include "evidence/note.hpp"
#include "importers/kinds.hpp"
#include "programs/flow_options.hpp"
#include "programs/open_store.hpp"
#include "programs/print.hpp"
#include "programs/stop_signals.hpp"
#include "programs/subcommand.hpp"
#include "proof/transfer.hpp"

namespace spoor::programs {
namespace {

struct ImportOptions {
  std::string store;
  std::string kind;
  std::string host;
  std::string key_file;
  bool again = false;
  bool follow = false;
  std::optional<int> year;
  std::string date, utc_offset, clock_offset;
  FlowOptions flows;
  std::vector<std::string> files;
};

/// Evidence of another store, file by file: each is all there or not at all.
Result<ExitCode> ImportEvidence(const ImportOptions& options) {
  const StoreLayout layout{options.store};
  if (options.again) {
    return Fail(ErrorCode::kInvalidArgument, "--again: evidence is in a log once");
  }
  std::string key;
  if (!options.key_file.empty()) {
    ASSIGN_OR_RETURN(key, ReadTextFile(options.key_file, 4096));
    const auto parsed = evidence::VerifierKey::Parse(key);
    if (!parsed) {
      return Fail(ErrorCode::kInvalidArgument, "{}: {}", options.key_file, parsed.error().message);
    }
  }
  bool stays_removed = false;
  for (const std::string& path : options.files) {
    ASSIGN_OR_RETURN(const proof::TransferReport report,
                     proof::ImportEvidence({.file = path, .public_key = key, .layout = layout}));
    PrintError("{}: {} entries of {} (key {}{}): {} added, {} were here already\n", path,
               report.entry_count, report.origin, report.key_id,
               key.empty() ? " as the file says, not checked otherwise" : "", report.added_count,
               report.known_count);
    if (report.account_count != 0) {
      PrintError("{}: {} entries are that log's own accounts and stay there\n", path,
                 report.account_count);
    }
    if (report.description_count != 0) {
      PrintError(
          "{}: the beginning of {} recordings was removed from that log by policy; their "
          "descriptions, which it carried over, are added\n",
          path, report.description_count);
    }
    if (report.removed_count != 0) {
      PrintError(
          "{}: {} entries were in this log and were removed from it by policy: they stay "
          "removed (import the file into another store to have them)\n",
          path, report.removed_count);
      stays_removed = true;
    }
  }
  RETURN_IF_ERROR(IngestNewEvidence(layout));
  return stays_removed ? ExitCode::kIncomplete : ExitCode::kDone;
}

/// "+02:00" and "-0530" as ns.
Result<std::int64_t> ParseUtcOffset(const std::string& text) {
  if (text.empty()) return 0;
  const auto wall_ns = importers::ParseIsoTime("1970-01-01T00:00:00" + text, {});
  if (!wall_ns) {
    return Fail(ErrorCode::kInvalidArgument, "--utc-offset {}: not of the form +02:00", text);
  }
  return -*wall_ns;
}

Result<std::optional<std::int64_t>> ParseClockOffset(const std::string& text) {
  if (text.empty()) return std::nullopt;
  const bool negative = text.starts_with('-');
  ASSIGN_OR_RETURN(const std::int64_t offset_ns, ParseDuration(text.substr(negative ? 1 : 0)));
  return negative ? -offset_ns : offset_ns;
}

/// The one line that says what was taken.
void PrintTaken(const analysis::ImportedFile& file) {
  const ingest::ImportDescription& description = file.description;
  if (description.kind == "events") {
    PrintError("{}: {} events, {} bytes of evidence\n", description.file, file.event_count,
               description.size_bytes);
    return;
  }
  const importers::ImporterKind* const kind = importers::FindImporterKind(description.kind);
  std::string parts = fmt::format("{} {}", file.source.record_count,
                                  kind == nullptr ? "records" : kind->record_name);
  const auto add = [&](std::uint64_t count, std::string_view what) {
    if (count != 0) parts += fmt::format(", {} {}", count, what);
  };
  add(file.event_count, "events");
  add(file.flow_count, "flows");
  add(file.alert_count, "alerts");
  add(file.fingerprint_count, "fingerprints");
  add(file.log_line_count, "log lines");
  add(file.lost_count, "LOST where they were captured");
  PrintError("{}: {}: {}, {} not decoded, {} malformed\n", description.file, description.kind,
             parts, file.source.not_decoded_count, file.source.malformed_count);
  if (analysis::HasPackets(description.kind) && description.fingerprint_database.empty()) {
    PrintError("{}: {}\n", description.file, NoFingerprintsText());
  }
}

/// Whether the files are evidence: all of them, or none.
Result<bool> AreEvidence(const ImportOptions& options) {
  std::size_t evidence_count = 0;
  for (const std::string& path : options.files) {
    std::string kind = options.kind;
    if (kind.empty()) {
      ASSIGN_OR_RETURN(kind, analysis::DetectKind(path));
    }
    if (kind == analysis::kEvidenceKind) ++evidence_count;
  }
  if (evidence_count != 0 && evidence_count != options.files.size()) {
    return Fail(ErrorCode::kInvalidArgument,
                "files of kind evidence are imported by themselves, without others");
  }
  return evidence_count != 0;
}

Result<ExitCode> Import(const ImportOptions& options) {
  ASSIGN_OR_RETURN(const bool evidence, AreEvidence(options));
  if (evidence) return ImportEvidence(options);
  if (!options.key_file.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "--key is for --kind evidence");
  }
  if (!options.date.empty() && !importers::ParseIsoTime(options.date + "T00:00:00", {})) {
    return Fail(ErrorCode::kInvalidArgument, "--date {}: not of the form 2024-01-02", options.date);
  }
  ASSIGN_OR_RETURN(const std::int64_t utc_offset_ns, ParseUtcOffset(options.utc_offset));
  ASSIGN_OR_RETURN(const std::optional<std::int64_t> clock_offset_ns,
                   ParseClockOffset(options.clock_offset));
  ASSIGN_OR_RETURN(const std::optional<ingest::FlowTimeouts> flow_timeouts,
                   FlowTimeoutsOf(options.flows));
  ASSIGN_OR_RETURN(const std::string fingerprint_database, FingerprintDatabaseOf(options.flows));
  if (options.follow) {
    if (options.files.size() != 1 || options.again) {
      return Fail(ErrorCode::kInvalidArgument, "--follow: one file, and without --again");
    }
    StopSignals signals;
    RETURN_IF_ERROR(analysis::FollowFile({.layout = StoreLayout{options.store},
                                          .file = options.files.front(),
                                          .kind = options.kind,
                                          .host = options.host,
                                          .year = options.year,
                                          .date = options.date,
                                          .utc_offset_ns = utc_offset_ns,
                                          .flow_timeouts = flow_timeouts,
                                          .fingerprint_database = fingerprint_database,
                                          .clock_offset_ns = clock_offset_ns,
                                          .stop_fd = signals.fd(),
                                          .done = PrintTaken,
                                          .narration = NarrationOnTerminal()}));
    static_cast<void>(signals.Take());
    return ExitCode::kDone;
  }
  RETURN_IF_ERROR(analysis::ImportFiles({.layout = StoreLayout{options.store},
                                         .kind = options.kind,
                                         .host = options.host,
                                         .again = options.again,
                                         .year = options.year,
                                         .date = options.date,
                                         .utc_offset_ns = utc_offset_ns,
                                         .flow_timeouts = flow_timeouts,
                                         .fingerprint_database = fingerprint_database,
                                         .clock_offset_ns = clock_offset_ns,
                                         .files = options.files,
                                         .done = PrintTaken,
                                         .narration = NarrationOnTerminal()}));
  return ExitCode::kDone;
}

std::vector<std::string> KindNames() {
  std::vector<std::string> names{analysis::kEvidenceKind};
  for (const importers::ImporterKind& kind : importers::ImporterKinds()) {
    names.emplace_back(kind.name);
  }
  return names;
}

std::string KindsText() {
  std::string text;
  for (const importers::ImporterKind& kind : importers::ImporterKinds()) {
    text += fmt::format("  {:<13}{}\n", kind.name, kind.meaning);
  }
  return text;
}

}  // namespace

void RegisterImport(CLI::App& application, Action& action) {
  CLI::App* const subcommand =
      application.add_subcommand("import", "add files from other sources to the evidence");
  const auto options = std::make_shared<ImportOptions>();
  options->host = "imported";
  AddStoreOption(*subcommand, options->store);
  subcommand->add_option("--kind", options->kind, "kind of the files; detected when left out")
      ->type_name("KIND")
      ->check(CLI::IsMember(KindNames()));
  subcommand
      ->add_option("--year", options->year,
                   "year of the first line, for logs whose times have none (syslog, Snort)")
      ->type_name("YEAR")
      ->check(CLI::Range(1971, 2115));
  subcommand
      ->add_option("--date", options->date,
                   "day of the first line, for logs whose times have no date (sysdig, ra)")
      ->type_name("YYYY-MM-DD");
  subcommand
      ->add_option("--utc-offset", options->utc_offset,
                   "local time minus UTC, for logs whose times have no zone; default: they are UTC")
      ->type_name("+HH:MM");
  subcommand
      ->add_option("--clock-offset", options->clock_offset,
                   "what the clock of the source is behind (or, with -, ahead of) UTC; stored, "
                   "never added to its times")
      ->type_name("[-]DURATION");
  subcommand->add_option("--host", options->host, "host of events that do not name one")
      ->type_name("NAME")
      ->capture_default_str();
  subcommand->add_flag("--follow", options->follow,
                       "go on with what is appended to the file, also when it is rotated or "
                       "emptied, until SIGINT or SIGTERM");
  AddFlowOptions(*subcommand, options->flows);
  subcommand->add_flag("--again", options->again, "import files that are in the store already");
  subcommand
      ->add_option("--key", options->key_file,
                   "verifier key of the log that evidence comes from; default: believe the file")
      ->type_name("FILE");
  subcommand->add_option("file", options->files, "files to import")->type_name("FILE")->required();
  subcommand->footer(
      "Kinds:\n" + KindsText() +
      "  evidence     a file of spoor export or spoor prove: verified, then its batches are "
      "appended as\n"
      "               they are, with an account of where they come from; what is here already is "
      "not\n"
      "               doubled\n"
      "Each file is of the kind that it looks like, unless --kind says one; gzip, bzip2, xz and\n"
      "zstd are undone. Of logs,\n"
      "lines that cannot be read are counted and become a gap; of events, a bad line stores "
      "nothing\n"
      "of its file.\n\n"
      "Exit codes: 0 done; 4 entries of the file were in the store and were removed by policy: "
      "they\n"
      "stay removed.\n\n"
      "Examples:\n"
      "  spoor import --store case-7 --host web1 events.ndjson\n"
      "  spoor import --store ids --host ids --follow /var/log/suricata/eve.json\n"
      "  spoor import --store case-7 --kind evidence --key hub.vkey web1.evidence");
  subcommand->callback([&action, options] { action = [options] { return Import(*options); }; });
}

}  // namespace spoor::programs
